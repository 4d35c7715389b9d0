// Tells dwell's daemon which program's window has focus, and puts windows away, brings them back or closes them when it
// asks for that.
//
// Nobody else on the bus is told anything: a call is answered only if its sender owns the daemon's name, and the
// signal is sent to that one peer. Window titles are never read.

const NAME = 'org.dwell.Shell1';
const PATH = '/org/dwell/Shell1';
const DAEMON = 'org.dwell.Dwell1';

const INTERFACE = `
<node>
  <!-- What GNOME Shell knows of windows, for the owner of org.dwell.Dwell1 alone. Everybody else gets
       org.freedesktop.DBus.Error.AccessDenied.

       A window is a{sv}; what is not known is left out:
         id                  t  the shell's number for it, for as long as it exists
         app                 s  the desktop file that the shell matched, or window:N where it found none
         wm-class            s  Wayland's app id, or the class part of WM_CLASS
         wm-class-instance   s  the instance part of WM_CLASS
         gtk-application-id  s  what GTK told by its own protocol
         sandboxed-app-id    s  the Flatpak or Snap application
         pid                 u  the process at the other end of the window's connection
         minimised           b  whether it is put out of sight
         x11                 b  whether it is a window of Xwayland -->
  <interface name="org.dwell.Shell1">
    <!-- The window that has focus; empty when none has, or one that was put away a moment ago. -->
    <method name="GetFocus">
      <arg name="window" type="a{sv}" direction="out"/>
    </method>
    <!-- Every window that a person can see or bring back. -->
    <method name="ListWindows">
      <arg name="windows" type="aa{sv}" direction="out"/>
    </method>
    <!-- Puts these windows out of sight, in this order; how many were in sight. An unknown id is a window that has
         closed. -->
    <method name="Minimise">
      <arg name="ids" type="at" direction="in"/>
      <arg name="count" type="u" direction="out"/>
    </method>
    <!-- Brings these windows back into sight, without giving them focus; how many were out of sight. -->
    <method name="Restore">
      <arg name="ids" type="at" direction="in"/>
      <arg name="count" type="u" direction="out"/>
    </method>
    <!-- Asks these windows to close, as their close button would; how many were there. -->
    <method name="Close">
      <arg name="ids" type="at" direction="in"/>
      <arg name="count" type="u" direction="out"/>
    </method>
    <!-- Focus has moved, or what is known of the window in focus has changed. Sent to the daemon alone: first when
         it appears on the bus, then on each change. -->
    <signal name="FocusChanged">
      <arg name="window" type="a{sv}"/>
    </signal>
  </interface>
</node>`;

/** The types of windows that a person works in; the rest are panels, menus and the desktop's own background. */
const TYPES = [
    Meta.WindowType.NORMAL,
    Meta.WindowType.DIALOG,
    Meta.WindowType.MODAL_DIALOG,
    Meta.WindowType.UTILITY,
];

function isOfPerson(window) {
    return TYPES.includes(window.get_window_type());
}

/** What is told of a window. */
function describe(window) {
    const told = {
        'id': new GLib.Variant('t', window.get_id()),
        'minimised': new GLib.Variant('b', window.minimized),
        'x11': new GLib.Variant('b', window.get_client_type() === Meta.WindowClientType.X11),
    };
    const app = Shell.WindowTracker.get_default().get_window_app(window);
    const texts = {
        'app': app ? app.get_id() : null,
        'wm-class': window.get_wm_class(),
        'wm-class-instance': window.get_wm_class_instance(),
        'gtk-application-id': window.get_gtk_application_id(),
        'sandboxed-app-id': window.get_sandboxed_app_id(),
    };
    for (const [key, text] of Object.entries(texts)) {
        if (text)
            told[key] = new GLib.Variant('s', text);
    }
    if (window.get_pid() > 0)
        told['pid'] = new GLib.Variant('u', window.get_pid());
    return told;
}

/** The object on the bus. */
class Service {
    constructor(bus) {
        this._bus = bus;
        this._daemon = null;
        this._told = null;
        this._window = null;
        this._ofWindow = [];

        this._object = Gio.DBusExportedObject.wrapJSObject(INTERFACE, this);
        this._object.export(bus, PATH);
        this._name = Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, null, null);
        this._watch = Gio.bus_watch_name_on_connection(bus, DAEMON, Gio.BusNameWatcherFlags.NONE,
            (_bus, _name, owner) => this._setDaemon(owner),
            () => this._setDaemon(null));

        const look = () => this._look();
        this._display = global.display;
        this._ofDisplay = this._display.connect('notify::focus-window', look);
        // The shell may match a window to its program later than it gives it focus.
        this._tracker = Shell.WindowTracker.get_default();
        this._ofTracker = [
            this._tracker.connect('notify::focus-app', look),
            this._tracker.connect('tracked-windows-changed', look),
        ];
        this._look();
    }

    destroy() {
        this._follow(null);
        this._display.disconnect(this._ofDisplay);
        this._ofTracker.forEach(id => this._tracker.disconnect(id));
        Gio.bus_unwatch_name(this._watch);
        Gio.bus_unown_name(this._name);
        this._object.unexport();
        this._daemon = null;
    }

    GetFocusAsync(_parameters, invocation) {
        this._answer(invocation, '(a{sv})', () => this._focus());
    }

    ListWindowsAsync(_parameters, invocation) {
        this._answer(invocation, '(aa{sv})', () => this._windows().map(describe));
    }

    MinimiseAsync([ids], invocation) {
        this._answer(invocation, '(u)', () => {
            const windows = this._named(ids).filter(window => !window.minimized);
            // The window in focus may be back before this ends; then that is told, though nothing else has had focus.
            this._told = null;
            windows.forEach(window => window.minimize());
            return windows.length;
        });
    }

    RestoreAsync([ids], invocation) {
        this._answer(invocation, '(u)', () => {
            const windows = this._named(ids).filter(window => window.minimized);
            windows.forEach(window => window.unminimize());
            return windows.length;
        });
    }

    CloseAsync([ids], invocation) {
        this._answer(invocation, '(u)', () => {
            const windows = this._named(ids);
            windows.forEach(window => window.delete(global.get_current_time()));
            return windows.length;
        });
    }

    /** Answers the daemon; refuses everybody else. */
    _answer(invocation, signature, answer) {
        if (this._daemon === null || invocation.get_sender() !== this._daemon) {
            invocation.return_dbus_error('org.freedesktop.DBus.Error.AccessDenied',
                `only the owner of ${DAEMON} is answered`);
            return;
        }
        let value;
        try {
            value = new GLib.Variant(signature, [answer()]);
        } catch (error) {
            invocation.return_dbus_error('org.freedesktop.DBus.Error.Failed', `${error}`);
            return;
        }
        invocation.return_value(value);
    }

    _setDaemon(owner) {
        this._daemon = owner;
        this._told = null;
        this._tell();
    }

    /** Focus may have moved. */
    _look() {
        const window = this._display.focus_window;
        if (window !== this._window)
            this._follow(window);
        this._tell();
    }

    /** Listens to what a window tells of itself later than it gets focus. */
    _follow(window) {
        this._ofWindow.forEach(id => this._window.disconnect(id));
        this._window = window;
        // A window that is put away keeps focus until the shell draws again. One that comes back before that has never
        // lost it for the shell.
        const properties = ['wm-class', 'gtk-application-id', 'window-type', 'minimized'];
        this._ofWindow = window
            ? properties.map(name => window.connect(`notify::${name}`, () => this._tell()))
            : [];
    }

    /** Tells the daemon what has focus, unless that is what it was told last. */
    _tell() {
        if (this._daemon === null)
            return;
        const message = new GLib.Variant('(a{sv})', [this._focus()]);
        if (this._told !== null && message.equal(this._told))
            return;
        this._told = message;
        try {
            this._bus.emit_signal(this._daemon, PATH, NAME, 'FocusChanged', message);
        } catch (error) {
            logError(error, 'dwell');
        }
    }

    _focus() {
        const window = this._display.focus_window;
        return window && isOfPerson(window) && !window.minimized ? describe(window) : {};
    }

    _windows() {
        return global.get_window_actors().map(actor => actor.meta_window).filter(isOfPerson);
    }

    _named(ids) {
        const windows = this._windows();
        return ids.map(id => windows.find(window => window.get_id() === id)).filter(window => window);
    }
}

/** What the shell switches on and off. It does so at each lock and unlock of the screen, too. */
class Dwell {
    enable() {
        this._service = new Service(Gio.DBus.session);
    }

    disable() {
        this._service.destroy();
        this._service = null;
    }
}
