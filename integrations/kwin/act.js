// Runs inside KWin 5.27 and 6, loaded by dwelld over D-Bus for one act: tells dwelld the windows there are, without
// their titles, and minimises, brings back or closes those that dwelld names in its answer, in that order.
//
// The words in @…@ are filled in by dwelld. Nothing that a program chooses becomes part of this text.

// KWin 6 says "window" where KWin 5 says "client".
const windows = workspace.windowList ? workspace.windowList() : workspace.clientList();

const facts = windows.map(window => ({
    id: String(window.internalId),
    desktop_file: String(window.desktopFileName),
    class: String(window.resourceClass),
    pid: window.pid,
    minimised: window.minimized,
    active: window === (workspace.activeWindow || workspace.activeClient),
}));

function act(ids) {
    for (const id of ids.split(" ")) {
        const window = windows.find(window => String(window.internalId) === id);
        if (window && "@ACT@" === "close") {
            window.closeWindow();
        } else if (window && "@ACT@" === "minimise") {
            window.minimized = true;
        } else if (window && "@ACT@" === "restore") {
            window.minimized = false;
        }
    }
    callDBus("@SERVICE@", "@OBJECT@", "org.dwell.Kwin1", "Done", "@TOKEN@", "@NUMBER@");
}

const words = ["@TOKEN@", "@NUMBER@", JSON.stringify(facts)];
callDBus("@SERVICE@", "@OBJECT@", "org.dwell.Kwin1", "Windows", ...words, act);
