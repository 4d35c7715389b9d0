
/** Called once, when the shell loads the extension. */
function init() {
    return new Dwell();
}
