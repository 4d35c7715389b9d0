//! How an activity is stored: a code, and the names that belong to it.

use dwell_core::span::Activity;
use dwell_core::subject::{AppId, Domain, Subject};

/// The codes of [`Activity`]'s variants; part of the format.
pub(crate) const FOCUS: u8 = 0;
pub(crate) const PRIVATE: u8 = 1;
pub(crate) const AUDIBLE: u8 = 2;
pub(crate) const UNOBSERVED: u8 = 3;

/// An activity's code.
pub(crate) const fn code(activity: &Activity) -> u8 {
    match activity {
        Activity::Focus(_) => FOCUS,
        Activity::Private(_) => PRIVATE,
        Activity::Audible(_) => AUDIBLE,
        Activity::Unobserved => UNOBSERVED,
    }
}

/// An activity's domain, where it has one.
pub(crate) const fn domain(activity: &Activity) -> Option<&Domain> {
    match activity {
        Activity::Focus(subject) | Activity::Audible(subject) => subject.domain.as_ref(),
        Activity::Private(_) | Activity::Unobserved => None,
    }
}

/// The activity of a code and its names; `None` where they do not fit together.
pub(crate) fn of(code: u8, app: Option<AppId>, domain: Option<Domain>) -> Option<Activity> {
    match (code, app, domain) {
        (FOCUS, Some(app), domain) => Some(Activity::Focus(Subject { app, domain })),
        (AUDIBLE, Some(app), domain) => Some(Activity::Audible(Subject { app, domain })),
        (PRIVATE, Some(app), None) => Some(Activity::Private(app)),
        (UNOBSERVED, None, None) => Some(Activity::Unobserved),
        _ => None,
    }
}
