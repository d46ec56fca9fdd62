//! `GET /api/stats/live`: the statistics whenever they change.

use protocol::Stats;

use super::{Hub, HubError, events::Events};

#[derive(Debug)]
pub(crate) struct LiveStats {
    hub: Hub,
    events: Events,
}

impl Hub {
    pub(crate) async fn live_stats(&self) -> Result<LiveStats, HubError> {
        let response = self.get_stream("/api/stats/live").await?;
        Ok(LiveStats {
            hub: self.clone(),
            events: Events::new(self, response, true),
        })
    }
}

impl LiveStats {
    /// None where the hub has ended the feed.
    pub(crate) async fn next(&mut self) -> Result<Option<Stats>, HubError> {
        let Some(data) = self.events.next().await? else {
            return Ok(None);
        };
        let stats = serde_json::from_str(&data).map_err(|error| self.hub.unreadable(&error))?;
        Ok(Some(stats))
    }
}
