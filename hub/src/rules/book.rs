//! All rules, as a plain value.

use std::net::IpAddr;

use protocol::NodeKind;
use serde::{Deserialize, Serialize};

use crate::keys::KeyId;

/// More than anybody keeps an eye on.
const MOST_RULES: usize = 10_000;

/// In order of making, and never given to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RuleId(pub(crate) u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rule {
    /// It may not join.
    Ban,
    /// It finishes what it has and gets no more.
    Drain,
    /// Its key makes it a node like any other.
    Distrust,
}

/// What of a node can be known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeIdentity {
    pub(crate) kind: NodeKind,
    pub(crate) name: String,
    pub(crate) key: Option<KeyId>,
    /// See [`crate::net::network_of`].
    pub(crate) network: IpAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Whom {
    /// Nodes of this name that join with this key.
    KeyNode {
        node_kind: NodeKind,
        name: String,
        key: KeyId,
    },
    /// Nodes of this name that join without a key of the book, from this network.
    Node {
        node_kind: NodeKind,
        name: String,
        network: IpAddr,
    },
    /// Every node from this network.
    Network { network: IpAddr },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeRule {
    pub(crate) id: RuleId,
    pub(crate) rule: Rule,
    pub(crate) whom: Whom,
    /// For the node's owner to read.
    pub(crate) reason: Option<String>,
    /// Unix time in seconds.
    pub(crate) made_at: u64,
}

/// What all rules together come to for one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) ban: Option<Ban>,
    pub(crate) drained: bool,
    pub(crate) distrusted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ban {
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    #[error("there is no rule {}; GET /api/admin/node-rules lists them", .0.0)]
    NotFound(RuleId),
    #[error("there are {MOST_RULES} rules already; take some back that are not needed")]
    TooMany,
    #[error("it is so already")]
    Holds,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rulebook {
    rules: Vec<NodeRule>,
    /// The latest number that was given to any, taken back or not.
    last: RuleId,
}

impl Rulebook {
    pub(crate) fn new(rules: Vec<NodeRule>, last: RuleId) -> Self {
        Self { rules, last }
    }

    /// The oldest first.
    pub(crate) fn rules(&self) -> &[NodeRule] {
        &self.rules
    }

    pub(crate) fn ruling(&self, node: &NodeIdentity) -> Ruling {
        let mut ruling = Ruling::default();
        for rule in self.about(node) {
            match rule.rule {
                Rule::Ban => {
                    let reason = rule.reason.clone();
                    ruling.ban.get_or_insert(Ban { reason });
                }
                Rule::Drain => ruling.drained = true,
                Rule::Distrust => ruling.distrusted = true,
            }
        }
        ruling
    }

    /// A rule of this kind about just this node, or its like.
    pub(crate) fn find(&self, rule: Rule, whom: &Whom) -> Option<&NodeRule> {
        let mut rules = self.rules.iter();
        rules.find(|it| it.rule == rule && it.whom == *whom)
    }

    pub(crate) fn get(&self, id: RuleId) -> Result<&NodeRule, RuleError> {
        let mut rules = self.rules.iter();
        rules
            .find(|rule| rule.id == id)
            .ok_or(RuleError::NotFound(id))
    }

    /// The book with one more rule.
    pub(crate) fn with(
        &self,
        rule: Rule,
        whom: Whom,
        reason: Option<String>,
        made_at: u64,
    ) -> Result<(Self, NodeRule), RuleError> {
        if self.rules.len() >= MOST_RULES {
            return Err(RuleError::TooMany);
        }
        let made = NodeRule {
            id: RuleId(self.last.0 + 1),
            rule,
            whom,
            reason,
            made_at,
        };
        let mut book = self.clone();
        book.rules.push(made.clone());
        book.last = made.id;
        Ok((book, made))
    }

    /// The book with this rule of it for another reason.
    pub(crate) fn for_another_reason(
        &self,
        rule: &NodeRule,
        reason: Option<String>,
    ) -> (Self, NodeRule) {
        let mended = NodeRule {
            reason,
            ..rule.clone()
        };
        let mut book = self.clone();
        for known in &mut book.rules {
            if known.id == mended.id {
                known.clone_from(&mended);
            }
        }
        (book, mended)
    }

    pub(crate) fn without(&self, id: RuleId) -> Self {
        let rules = self.rules.iter().filter(|rule| rule.id != id);
        Self::new(rules.cloned().collect(), self.last)
    }

    fn about(&self, node: &NodeIdentity) -> impl Iterator<Item = &NodeRule> {
        let own = node.whom();
        let network = Whom::Network {
            network: node.network,
        };
        self.rules
            .iter()
            .filter(move |rule| rule.whom == own || rule.whom == network)
    }
}

impl NodeIdentity {
    /// A rule about this node alone, as far as it can be told from others.
    pub(crate) fn whom(&self) -> Whom {
        let (node_kind, name) = (self.kind, self.name.clone());
        match self.key {
            Some(key) => Whom::KeyNode {
                node_kind,
                name,
                key,
            },
            None => Whom::Node {
                node_kind,
                name,
                network: self.network,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, key: Option<u32>, network: &str) -> NodeIdentity {
        NodeIdentity {
            kind: NodeKind::Native,
            name: name.to_owned(),
            key: key.map(KeyId),
            network: network.parse().unwrap(),
        }
    }

    fn book(rules: &[(Rule, Whom)]) -> Rulebook {
        let mut book = Rulebook::default();
        for (rule, whom) in rules {
            (book, _) = book.with(*rule, whom.clone(), None, 1).unwrap();
        }
        book
    }

    #[test]
    fn a_node_with_a_key_is_known_by_it_wherever_it_comes_from() {
        let mine = node("mine", Some(1), "192.0.2.1");
        let book = book(&[(Rule::Drain, mine.whom())]);
        let drained = |node: NodeIdentity| book.ruling(&node).drained;
        assert!(drained(mine));
        assert!(drained(node("mine", Some(1), "198.51.100.7")));
        assert!(!drained(node("mine", Some(2), "192.0.2.1")));
        assert!(!drained(node("mine", None, "192.0.2.1")));
        assert!(!drained(node("other", Some(1), "192.0.2.1")));
    }

    #[test]
    fn a_node_without_a_key_is_known_by_its_name_and_network() {
        let tab = node("tab", None, "192.0.2.1");
        let book = book(&[(Rule::Ban, tab.whom())]);
        let banned = |node: NodeIdentity| book.ruling(&node).ban.is_some();
        assert!(banned(tab));
        assert!(!banned(node("tab", None, "192.0.2.2")));
        assert!(!banned(node("tab", Some(1), "192.0.2.1")));
        assert!(!banned(node("another", None, "192.0.2.1")));
        let browser = NodeIdentity {
            kind: NodeKind::Browser,
            ..node("tab", None, "192.0.2.1")
        };
        assert!(!banned(browser));
    }

    #[test]
    fn a_network_is_everybody_in_it() {
        let network = "192.0.2.1".parse().unwrap();
        let book = book(&[(Rule::Ban, Whom::Network { network })]);
        for from_there in [
            node("a", None, "192.0.2.1"),
            node("b", Some(1), "192.0.2.1"),
        ] {
            assert!(book.ruling(&from_there).ban.is_some());
        }
        assert_eq!(
            book.ruling(&node("a", None, "192.0.2.2")),
            Ruling::default()
        );
    }

    #[test]
    fn rules_add_up_until_they_are_taken_back() {
        let mine = node("mine", Some(1), "192.0.2.1");
        let book = book(&[(Rule::Drain, mine.whom()), (Rule::Distrust, mine.whom())]);
        let both = book.ruling(&mine);
        assert!(both.drained && both.distrusted && both.ban.is_none());
        let drain = book.find(Rule::Drain, &mine.whom()).unwrap().id;
        let rest = book.without(drain);
        assert!(!rest.ruling(&mine).drained && rest.ruling(&mine).distrusted);
        assert_eq!(rest.get(drain), Err(RuleError::NotFound(drain)));
    }

    #[test]
    fn a_number_is_never_given_to_another_rule() {
        let mine = node("mine", None, "192.0.2.1");
        let (book, first) = Rulebook::default()
            .with(Rule::Ban, mine.whom(), None, 1)
            .unwrap();
        let book = book.without(first.id);
        let (_, second) = book.with(Rule::Ban, mine.whom(), None, 2).unwrap();
        assert_ne!(first.id, second.id);
    }

    #[test]
    fn a_rule_may_get_another_reason() {
        let mine = node("mine", None, "192.0.2.1");
        let why = |text: &str| Some(text.to_owned());
        let (book, made) = Rulebook::default()
            .with(Rule::Ban, mine.whom(), why("noise"), 1)
            .unwrap();
        let (book, mended) = book.for_another_reason(&made, why("fraud"));
        assert_eq!((mended.id, mended.made_at), (made.id, made.made_at));
        let ban = book.ruling(&mine).ban.unwrap();
        assert_eq!(ban.reason.as_deref(), Some("fraud"));
        assert_eq!(book.rules().len(), 1);
    }
}
