//! Whether a laptop runs on its battery.

use std::path::Path;

use super::{Sensors, output};

/// `None` where there is no battery, or nothing tells.
pub async fn in_use(sensors: &Sensors) -> Option<bool> {
    let linux = of_linux(&sensors.sys.join("class/power_supply"));
    if linux.is_some() {
        return linux;
    }
    of_mac(&output(Path::new("pmset"), &["-g", "batt"]).await?)
}

/// A folder per power supply, with a file per fact.
fn of_linux(supplies: &Path) -> Option<bool> {
    let mut found = None;
    for supply in std::fs::read_dir(supplies).ok()?.flatten() {
        let fact = |name: &str| {
            let text = std::fs::read_to_string(supply.path().join(name));
            text.map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        // The batteries of mice and the like have the scope `Device`.
        if fact("type") == "Battery" && fact("scope") != "Device" {
            let discharging = fact("status") == "Discharging";
            found = Some(found.unwrap_or_default() || discharging);
        }
    }
    found
}

/// Begins with the line `Now drawing from 'Battery Power'`, or `'AC Power'`.
fn of_mac(report: &str) -> Option<bool> {
    report
        .contains("InternalBattery")
        .then(|| report.contains("'Battery Power'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_by_the_machines_own_batteries() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of_linux(folder.path()), None);
        let write = |supply: &str, facts: &[(&str, &str)]| {
            let supply = folder.path().join(supply);
            std::fs::create_dir_all(&supply).unwrap();
            for (name, value) in facts {
                std::fs::write(supply.join(name), format!("{value}\n")).unwrap();
            }
        };
        write("AC", &[("type", "Mains"), ("online", "0")]);
        let mouse = [
            ("type", "Battery"),
            ("scope", "Device"),
            ("status", "Discharging"),
        ];
        write("hidpp_battery_0", &mouse);
        assert_eq!(of_linux(folder.path()), None, "a desktop with a mouse");
        write("BAT0", &[("type", "Battery"), ("status", "Charging")]);
        assert_eq!(of_linux(folder.path()), Some(false));
        write("BAT1", &[("type", "Battery"), ("status", "Discharging")]);
        assert_eq!(of_linux(folder.path()), Some(true));
    }

    #[test]
    fn a_mac_tells_by_pmset() {
        let report = |source: &str| {
            format!("Now drawing from '{source}'\n -InternalBattery-0 (id=1)\t80%; present: true\n")
        };
        assert_eq!(of_mac(&report("Battery Power")), Some(true));
        assert_eq!(of_mac(&report("AC Power")), Some(false));
        assert_eq!(of_mac("Now drawing from 'AC Power'\n"), None, "no laptop");
    }
}
