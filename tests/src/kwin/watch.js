// Tells the test bed what KWin shows: which process has focus, and every window. Shares nothing with dwell's own scripts.
const isSix = workspace.windowList !== undefined;

function tell() {
    const windows = isSix ? workspace.windowList() : workspace.clientList();
    const active = isSix ? workspace.activeWindow : workspace.activeClient;
    const describe = window => ({
        pid: window.pid,
        app: String(window.desktopFileName) || String(window.resourceClass),
        minimized: window.minimized,
    });
    const all = windows.map(describe);
    callDBus("@SERVICE@", "/watch", "org.dwell.tests.Watch", "Tell",
        JSON.stringify({ active: active ? describe(active) : null, windows: all }));
}

function follow(window) {
    window.minimizedChanged.connect(tell);
}

const added = isSix ? workspace.windowAdded : workspace.clientAdded;
const removed = isSix ? workspace.windowRemoved : workspace.clientRemoved;
const activated = isSix ? workspace.windowActivated : workspace.clientActivated;
added.connect(follow);
added.connect(tell);
removed.connect(tell);
activated.connect(tell);
(isSix ? workspace.windowList() : workspace.clientList()).forEach(follow);
tell();
