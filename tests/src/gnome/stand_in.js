// A stand-in for what only the shell has.
class Speaker {
    constructor(facts) {
        Object.assign(this, facts);
        this.heard = new Map();
    }

    connect(signal, callback) {
        const id = ++world.ids;
        this.heard.set(id, [signal, callback]);
        return id;
    }

    disconnect(id) {
        if (!this.heard.delete(id))
            throw new Error(`no listener ${id}`);
    }

    say(signal) {
        [...this.heard.values()].filter(([name]) => name === signal).forEach(([, callback]) => callback());
    }
}

const Meta = {
    WindowType: {NORMAL: 0, DESKTOP: 1, DIALOG: 3, MODAL_DIALOG: 4, UTILITY: 8},
    WindowClientType: {WAYLAND: 0, X11: 1},
};
const world = globalThis.world = {ids: 0};
const window = (id, name, type) => new Speaker({
    minimized: false,
    get_id: () => id,
    get_pid: () => 100 + id,
    get_window_type: () => type,
    get_client_type: () => 0,
    get_wm_class: () => name,
    get_wm_class_instance: () => name,
    get_gtk_application_id: () => null,
    get_sandboxed_app_id: () => null,
    minimize() {
        this.minimized = true;
    },
    delete() {
        this.deleted = true;
    },
});
const tracker = new Speaker({get_window_app: () => null});
const Shell = {WindowTracker: {get_default: () => tracker}};
world.windows = [window(1, 'AppA', 0), window(2, 'AppB', 0), window(3, 'background', 1)];
globalThis.global = {
    display: new Speaker({focus_window: world.windows[0]}),
    get_window_actors: () => world.windows.map(meta_window => ({meta_window})),
    get_current_time: () => 0,
};
world.focus = at => {
    global.display.focus_window = world.windows[at];
    global.display.say('notify::focus-window');
};
world.listeners = () => [global.display, tracker, ...world.windows].reduce((sum, object) => sum + object.heard.size, 0);

