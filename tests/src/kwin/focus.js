// Gives a window focus, as a task bar does.
const isSix = workspace.windowList !== undefined;
for (const window of isSix ? workspace.windowList() : workspace.clientList()) {
    if (window.pid === @PID@) {
        window.minimized = false;
        if (isSix) {
            workspace.activeWindow = window;
        } else {
            workspace.activeClient = window;
        }
    }
}
