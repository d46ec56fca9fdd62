//! What everybody else may ask of audits.

use scheduler::audit::Identity;

use super::{AuditOverview, KnownAudits, Question};
use crate::dispatch::Dispatcher;
use crate::dispatch::message::Request;

impl Dispatcher {
    /// Nothing of a dispatcher that stopped.
    pub async fn audits(&self) -> AuditOverview {
        let overview = self.request(|reply| Request::Audits(Question::Overview(reply)));
        overview.await.unwrap_or_default()
    }

    /// Lets whoever has this name answer again. False where it was not suspended.
    pub async fn reinstate(&self, identity: Identity) -> bool {
        let reinstate = |reply| Request::Audits(Question::Reinstate(identity, reply));
        self.request(reinstate).await.unwrap_or_default()
    }

    /// Takes in what was known of nodes before a restart.
    pub fn remember_audits(&self, known: KnownAudits) {
        // A dispatcher that is gone needs no memory.
        let _ = self
            .requests
            .send(Request::Audits(Question::Remember(Box::new(known))));
    }
}
