//! What an operator should know of his settings when the hub starts.

use std::net::IpAddr;

use crate::{access::AccessPolicy, config::Config, language::Text};

/// Nothing to do is nothing to say.
/// `bind`: where it listens, which a hub that took another's place has from that one.
pub fn notices(config: &Config, bind: IpAddr) -> Vec<Text> {
    if bind.is_loopback() {
        return Vec::new();
    }
    let mut notices = Vec::new();
    if config.admin_password.is_none() {
        notices.push(Text::new(
            "Muutkin koneet tavoittavat keskuksen, eikä sillä ole salasanaa: ylläpito on suljettu. Avaa se antamalla ADMIN_PASSWORD.",
            "Other machines can reach the hub, and it has no password: it is closed to operators. Set ADMIN_PASSWORD to open it.",
        ));
    }
    if config.access.policy == AccessPolicy::Open {
        notices.push(Text::new(
            "Muutkin koneet tavoittavat keskuksen, ja kuka tahansa saa kysyä siltä. ACCESS=keys vaatii avaimen.",
            "Other machines can reach the hub, and anybody may ask it. ACCESS=keys demands a key.",
        ));
    }
    notices
}
