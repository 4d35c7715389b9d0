/* exported init */
// The form for GNOME Shell up to 44, which loads an extension as a script.

const {Gio, GLib, Meta, Shell} = imports.gi;

