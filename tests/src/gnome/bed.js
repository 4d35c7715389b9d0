// The test bed's own eyes and hands in GNOME Shell, apart from dwell's extension: what it tells the observer owes
// nothing to what is tested. It stays on while the screen is locked, and says then that no window has focus.

const INTERFACE = `
<node>
  <interface name="org.dwell.Bed1">
    <method name="List"><arg type="s" direction="out"/></method>
    <method name="Activate"><arg type="u" direction="in"/></method>
    <method name="Stay"><arg type="u" direction="in"/><arg type="u" direction="in"/></method>
    <method name="PressKey"/>
    <signal name="Changed"/>
    <signal name="Focus"><arg type="s"/></signal>
  </interface>
</node>`;

const PATH = '/org/dwell/Bed1';
const NAME = 'org.dwell.Bed1';

function windows() {
    return global.get_window_actors().map(actor => actor.meta_window);
}

function focused() {
    return Main.sessionMode.isLocked ? null : global.display.focus_window;
}

function seat() {
    // The second is where the first has gone in later versions.
    const backend = Clutter.get_default_backend ? Clutter.get_default_backend() : global.stage.context.get_backend();
    return backend.get_default_seat();
}

class Bed {
    enable() {
        // See `Stuck` in the bed.
        IBusManager.getIBusManager()._spawn = () => {};

        this._object = Gio.DBusExportedObject.wrapJSObject(INTERFACE, this);
        this._object.export(Gio.DBus.session, PATH);
        this._name = Gio.bus_own_name_on_connection(Gio.DBus.session, NAME, Gio.BusNameOwnerFlags.NONE, null, null);
        this._ids = [
            [global.display, global.display.connect('notify::focus-window', () => this._tell())],
            [global.display, global.display.connect('window-created', (_display, window) => this._follow(window))],
            [Main.sessionMode, Main.sessionMode.connect('updated', () => this._tell())],
        ];
        Main.overview.hide();
    }

    disable() {
        this._ids.forEach(([object, id]) => object.disconnect(id));
        Gio.bus_unown_name(this._name);
        this._object.unexport();
    }

    _follow(window) {
        window.connect('notify::minimized', () => this._changed());
        window.connect('unmanaged', () => this._changed());
        window.connect('shown', () => this._changed());
        this._changed();
    }

    _tell() {
        const window = focused();
        this._object.emit_signal('Focus', new GLib.Variant('(s)', [window ? `${window.get_wm_class()}` : '']));
        this._changed();
    }

    _changed() {
        this._object.emit_signal('Changed', null);
    }

    List() {
        return JSON.stringify(windows().map(window => ({
            pid: window.get_pid(),
            app: window.get_wm_class(),
            hidden: window.minimized,
            focused: window === focused(),
        })));
    }

    Activate(pid) {
        windows().filter(window => window.get_pid() === pid)
            .forEach(window => window.activate(global.get_current_time()));
    }

    /** Brings a window back in the same moment in which it is put away, so many times. */
    Stay(pid, times) {
        windows().filter(window => window.get_pid() === pid).forEach(window => {
            const id = window.connect('notify::minimized', () => {
                if (!window.minimized)
                    return;
                if (--times <= 0)
                    window.disconnect(id);
                window.activate(global.get_current_time());
            });
        });
    }

    PressKey() {
        if (!this._keyboard)
            this._keyboard = seat().create_virtual_device(Clutter.InputDeviceType.KEYBOARD_DEVICE);
        const now = GLib.get_monotonic_time();
        this._keyboard.notify_keyval(now, Clutter.KEY_Shift_L, Clutter.KeyState.PRESSED);
        this._keyboard.notify_keyval(now, Clutter.KEY_Shift_L, Clutter.KeyState.RELEASED);
    }
}
