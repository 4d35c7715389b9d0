// The form for GNOME Shell from 45 on, which loads an extension as a module.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Meta from 'gi://Meta';
import Shell from 'gi://Shell';

