//! What systemd is told (`Type=notify`): that the server answers, that it stops, that it still lives. Where nobody asked
//! for it, nothing is said.

use sd_notify::NotifyState;
use tokio::time::sleep;

/// From now on requests are answered.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// What is under way is finished, and nothing is begun.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Says that the server lives, as often as it is asked to. It says so for this process alone: a database that is away
/// comes back by itself, and no start would bring it.
pub(crate) async fn live() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    loop {
        tell(NotifyState::Watchdog);
        sleep(patience / 3).await;
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
