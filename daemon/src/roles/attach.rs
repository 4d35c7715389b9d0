//! `dwelld attach`: tells a running daemon where the display is. For the desktop's autostart.

use std::collections::HashMap;

use dwell_bus::OwnProxy;
use dwell_desktop::Surroundings;

use crate::failure::Failure;

/// Tells the daemon, starting it where the bus can.
///
/// # Errors
/// There is no session bus, or no daemon.
pub async fn attach() -> Result<(), Failure> {
    let variables = Surroundings::VARIABLES.iter();
    let environment: HashMap<String, String> =
        variables.filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    let unreachable = |error: zbus::Error| {
        Failure::new(
            format!("the daemon is not reachable: {error}"),
            "start it: `systemctl --user start dwelld`",
        )
        .code(5)
    };
    let bus = zbus::Connection::session().await.map_err(unreachable)?;
    let proxy = OwnProxy::builder(&bus).cache_properties(zbus::proxy::CacheProperties::No).build();
    let proxy = proxy.await.map_err(unreachable)?;
    proxy.attach(environment).await.map_err(|error| match error.into_failure() {
        Ok(failure) => Failure::new(failure.message, failure.hint),
        Err(error) => unreachable(error),
    })
}
