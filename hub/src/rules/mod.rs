//! What operators decide about single nodes: who may not join, who gets no prompts, who is not trusted.
//!
//! The wire gives a node no lasting identity, so a rule is about what can be known again: kind and name, with
//! the key that the node joined with or else the network it came from; or a whole network.

mod book;

use std::sync::Arc;

use crate::{
    dispatch::Dispatcher,
    kept::Kept,
    store::{AdminStore, StoredRules},
};

pub(crate) use book::{
    Ban, NodeIdentity, NodeRule, Rule, RuleError, RuleId, Rulebook, Ruling, Whom,
};

/// Reads the rules, and has them count for every node.
pub(crate) fn start(store: AdminStore, dispatcher: Dispatcher) -> Kept<Rulebook> {
    let book = |stored: StoredRules| Rulebook::new(stored.rules, stored.last);
    let meanwhile = book(store.copied_rules());
    let load = move |store: AdminStore| async move { Ok(book(store.load_rules().await?)) };
    let apply = move |book: &Arc<Rulebook>| dispatcher.rule(Arc::clone(book));
    Kept::start("the rules about nodes", store, meanwhile, load, apply)
}
