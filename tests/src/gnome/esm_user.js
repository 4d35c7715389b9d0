// Runs the extension's form for GNOME Shell 45 and later, `esm.js` beside this file, on a real bus with a stand-in for the
// shell. Prints "done" at the end.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Dwell from './esm.js';

const address = GLib.getenv('DBUS_SESSION_BUS_ADDRESS');
const flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION;
const connect = () => Gio.DBusConnection.new_for_address_sync(address, flags, null, null);
const [daemon, stranger] = [connect(), connect()];
const loop = new GLib.MainLoop(null, false);

function expect(condition, what) {
    if (!condition)
        throw new Error(what);
}

function call(bus, method, parameters = null) {
    return new Promise((resolve, reject) => {
        bus.call('org.dwell.Shell1', '/org/dwell/Shell1', 'org.dwell.Shell1', method, parameters, null,
            Gio.DBusCallFlags.NONE, 2000, null, (_bus, result) => {
                try {
                    resolve(bus.call_finish(result).recursiveUnpack()[0]);
                } catch (error) {
                    reject(error);
                }
            });
    });
}

async function refused(bus, method, parameters) {
    try {
        await call(bus, method, parameters);
    } catch (error) {
        return `${error}`.includes('AccessDenied');
    }
    return false;
}

function own(bus, name) {
    return new Promise(resolve => Gio.bus_own_name_on_connection(bus, name, Gio.BusNameOwnerFlags.NONE, resolve, null));
}

async function run() {
    const heard = {daemon: [], stranger: []};
    let told = null;
    for (const [who, bus] of Object.entries({daemon, stranger})) {
        bus.signal_subscribe(null, 'org.dwell.Shell1', 'FocusChanged', null, null, Gio.DBusSignalFlags.NONE,
            (_bus, _sender, _path, _interface, _signal, parameters) => {
                heard[who].push(parameters.recursiveUnpack()[0]);
                told?.();
            });
    }
    const focus = () => new Promise(resolve => (told = resolve));

    const extension = new Dwell({});
    extension.enable();
    expect(await refused(daemon, 'GetFocus'), 'the daemon has not taken its name yet');
    const first = focus();
    await own(daemon, 'org.dwell.Dwell1');
    await first;
    expect((await call(daemon, 'GetFocus'))['wm-class'] === 'AppA', 'what has focus');
    expect((await call(daemon, 'ListWindows')).length === 2, 'all windows but the background');
    for (const [method, parameters] of [['GetFocus', null], ['Close', new GLib.Variant('(at)', [[1]])]])
        expect(await refused(stranger, method, parameters), `${method} refuses strangers`);

    const second = focus();
    world.focus(1);
    await second;
    expect(heard.daemon.length === 2 && heard.daemon[1]['wm-class'] === 'AppB', 'the change is told');
    expect(heard.stranger.length === 0, 'nobody else hears of it');
    expect(await call(daemon, 'Minimise', new GLib.Variant('(at)', [[2, 99]])) === 1, 'one was put away');
    expect(world.windows[1].minimized && !world.windows[0].minimized, 'the right one');
    expect(await call(daemon, 'Close', new GLib.Variant('(at)', [[1]])) === 1, 'one was closed');
    expect(world.windows[0].deleted, 'the right one');
    extension.disable();
    expect(world.listeners() === 0, 'it leaves no listener behind');
    extension.enable();
    extension.disable();
    print('done');
}

run().catch(error => logError(error)).finally(() => loop.quit());
loop.run();
