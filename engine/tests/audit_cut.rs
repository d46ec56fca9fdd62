//! Texts without tokens, judged by tokens that the model may have made of them.

#[path = "support/audits.rs"]
mod audits;
mod support;

use audits::{input, judge, load, mean, usual};
use engine::{Audit, AuditRequest, Tokenizer};

#[test]
fn text_is_cut_where_the_model_would_have_cut_it() {
    let mut engine = load();
    let mut file = support::weights("smollm2-135m-instruct-q4_1.gguf");
    let tokenizer = Tokenizer::load(&mut file).unwrap();
    // Words that the model put together otherwise than a tokeniser does: it drew " c" and "rat", where that has " cr" and "at".
    let prompt = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n \
        let is_one_of = |among: &Vec<(NodeId, String)>| {\n            \
        let mut members = among.iter();\n            \
        members.any(|(member, its)| *member == node && its == model)\n        };\n        \
        !ensemble.asked.contains(&node) && among.is_none_or(is_one_of)\n    }\n\n    \
        pub(crate) fn note(&mut self, id: EnsembleId, node: NodeId) {\n        \
        if let Some(ensemble) = self.known.iter_mut().find(|known| known.id =\n\n\
        Which names in this text are the most important, and what do they mean?<|im_end|>\n\
        <|im_start|>assistant\n";
    let text = "This text contains several key names that are highly significant:\n\n1. \"isOneOf\"\n\
        2. \"detail\"\n3. \"crate\" (the type of the crony is crat)\n4. \"enemies";
    let of = |text: &str, token_ids| AuditRequest {
        input: input(prompt),
        sampling: usual(),
        answer: text.into(),
        token_ids,
        finish_reason: None,
        context_length: None,
        seeded: false,
    };
    let by_the_tokeniser = tokenizer.encode(text).unwrap();
    let told = judge(&mut engine, of(text, by_the_tokeniser.clone()));
    assert!(mean(&told) > 0.05, "{told:?}");
    let untold = judge(&mut engine, of(text, Vec::new()));
    assert!(mean(&untold) < 0.01, "{untold:?}");
    // It takes as many steps as it takes, however few tokens a step has.
    let mut audit = Audit::new(of(text, Vec::new()));
    while !audit.step(&mut engine, 3).unwrap() {}
    let slowly = audit.into_judgements();
    assert_eq!(slowly.len(), untold.len());
    assert!(mean(&slowly) < 0.01, "{slowly:?}");
    // No other cut makes sense of this, and it is judged to its end.
    let odd = text.replace("crat)", "lilac bicycles)");
    let odd = judge(&mut engine, of(&odd, Vec::new()));
    assert!(mean(&odd) > 0.1, "{odd:?}");
}

#[test]
fn a_text_may_have_to_be_cut_in_two_places_or_some_way_before_the_odd_one() {
    let mut engine = load();
    let prompt = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n\
        `, `null` | Who may ask: anybody, or who has a key. |\n\
        | `anonymous_requests_per_minute?` | integer or null from 0 to 4294967295 | \
        Of an address without a key; 0: no limit. |\n\
        | `anonymous_tokens_per_minute?` | integer or null from 0 to 4294967295 | \
        Of an address without a key; 0: no limit. |\n\
        | `anonymous_requests_per_day?` | integer or null from 0 to 4294967295 | \
        Of an address without a key; 0: no \n\n\
        Kerro suomeksi lyhyesti, mistä tässä on kyse.<|im_end|>\n<|im_start|>assistant\n";
    let texts = [
        // " s", "aml", "at", where the tokeniser has " sam", "lat".
        "Kerro suomeksi lähte samlat oliuttuaa ajarvuutti. Löyteliset toimfamelus mikinollilään keskustelu, ja",
        // "esty", where "est" and "y" only become odd two tokens later.
        "Kerro suomeksi lähtei tai alunkettuva että viesti järjestylty keskustilessin neperisetuin.",
    ];
    for text in texts {
        let request = AuditRequest {
            input: input(prompt),
            sampling: usual(),
            answer: text.into(),
            token_ids: Vec::new(),
            finish_reason: None,
            context_length: None,
            seeded: false,
        };
        let judged = judge(&mut engine, request);
        assert!(mean(&judged) < 0.005, "{text}: {judged:?}");
    }
}
