// Runs inside KWin 5.27 and 6, loaded by dwelld over D-Bus: tells dwelld which program has focus. Reads no titles.
//
// The words in @…@ are filled in by dwelld. Nothing that a program chooses becomes part of this text.

let watched = null;

function tell() {
    // Plasma's desktop and panels are windows, too. When one of them is active, nothing has focus.
    const active = watched && !watched.desktopWindow && !watched.dock ? watched : null;
    const facts = active
        ? [active.internalId, active.desktopFileName, active.resourceClass, active.pid].map(String)
        : ["", "", "", ""];
    callDBus("@SERVICE@", "@OBJECT@", "org.dwell.Kwin1", "Active", "@TOKEN@", ...facts);
}

function activated(window) {
    if (watched) {
        try {
            watched.desktopFileNameChanged.disconnect(tell);
        } catch (gone) {
            // A window that closed takes its signals with it.
        }
    }
    watched = window;
    // Some programs name themselves only after their window is shown.
    if (watched && watched.desktopFileNameChanged) {
        watched.desktopFileNameChanged.connect(tell);
    }
    tell();
}

// KWin 6 says "window" where KWin 5 says "client".
(workspace.windowActivated || workspace.clientActivated).connect(activated);
activated(workspace.activeWindow || workspace.activeClient);
