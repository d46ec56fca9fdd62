//! Scripts that know the hub that they came from.

/// A script as it lies in the repository: run from a checkout it asks for what stands in for these.
const HUB: &str = "@KIPINA_HUB@";
const RELEASE_KEY: &str = "@KIPINA_RELEASE_KEY@";

pub(super) const WITH_BASH: &str = include_str!("../../../scripts/join/kipina-node.sh");
pub(super) const WITH_POWERSHELL: &str = include_str!("../../../scripts/join/kipina-node.ps1");
pub(super) const FROM_SOURCE: &str = include_str!("../../../join.sh");

/// What a shell says instead, where the hub can't tell what it is called.
pub(super) const REFUSAL: &str = "printf '%s\\n' \\
  'kipina-node: keskus ei saanut selvää omasta osoitteestaan. Hae skripti sen tavallisesta osoitteesta.' \\
  'kipina-node: the hub could not make out its own address. Fetch the script from its usual address.' >&2
exit 1
";

/// Both values must be safe to stand between quotation marks of a shell: the address is checked by
/// `net::public_address`, the key when it is read.
pub(super) fn fill_in(script: &str, hub: &str, release_key: Option<&str>) -> String {
    script
        .replace(HUB, hub)
        .replace(RELEASE_KEY, release_key.unwrap_or_default())
}
