//! How hot and how busy the GPU is, and who keeps it so.

use std::path::Path;

use super::{Sensors, output};

/// Of several GPUs the hottest and the busiest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuReading {
    /// Degrees Celsius.
    pub temperature: Option<u32>,
    /// Percent of the time that anything ran.
    pub utilisation: Option<u32>,
    /// Programs on it that are not the node's own; none where nobody asked for them.
    pub others: Vec<GpuProgram>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GpuProgram {
    pub name: String,
    /// Percent of the GPU.
    pub percent: u32,
}

/// `None` where no GPU tells: there is none, or its driver is not there. `with_programs` costs another
/// run of the driver's tool.
pub async fn read(sensors: &Sensors, with_programs: bool) -> Option<GpuReading> {
    match of_nvidia(sensors, with_programs).await {
        Some(reading) => Some(reading),
        None => of_amd(&sensors.sys.join("class/drm")),
    }
}

async fn of_nvidia(sensors: &Sensors, with_programs: bool) -> Option<GpuReading> {
    let query = [
        "--query-gpu=temperature.gpu,utilization.gpu",
        "--format=csv,noheader,nounits",
    ];
    let mut reading = parse_query(&output(&sensors.nvidia_smi, &query).await?)?;
    if with_programs {
        reading.others = others_of_nvidia(sensors).await;
    }
    Some(reading)
}

async fn others_of_nvidia(sensors: &Sensors) -> Vec<GpuProgram> {
    let table = output(&sensors.nvidia_smi, &["pmon", "-c", "1", "-s", "u"]).await;
    let processes = parse_processes(table.as_deref().unwrap_or_default());
    let others = processes
        .into_iter()
        .filter(|process| !sensors.is_own(&process.name, process.draws));
    others
        .map(|process| GpuProgram {
            name: process.name,
            percent: process.percent,
        })
        .collect()
}

/// A line per GPU, as in `54, 12`; `[N/A]` for what it does not know.
fn parse_query(csv: &str) -> Option<GpuReading> {
    let mut reading = GpuReading::default();
    for line in csv.lines() {
        let Some((temperature, utilisation)) = line.split_once(',') else {
            continue;
        };
        reading.temperature = reading.temperature.max(temperature.trim().parse().ok());
        reading.utilisation = reading.utilisation.max(utilisation.trim().parse().ok());
    }
    (reading != GpuReading::default()).then_some(reading)
}

#[derive(Debug, PartialEq)]
struct Process {
    name: String,
    /// Whether it draws: a game or a desktop.
    draws: bool,
    percent: u32,
}

/// A table whose first comment names its columns, which differ from driver to driver.
fn parse_processes(table: &str) -> Vec<Process> {
    let mut lines = table.lines();
    let Some(head) = lines.find_map(|line| line.trim_start().strip_prefix('#')) else {
        return Vec::new();
    };
    let columns: Vec<&str> = head.split_whitespace().collect();
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let (Some(kind), Some(share), Some(name)) = (column("type"), column("sm"), column("command"))
    else {
        return Vec::new();
    };
    let rows = lines.filter(|line| !line.trim_start().starts_with('#'));
    rows.filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Some(Process {
            // The last column, and it may have spaces in it.
            name: fields.get(name..)?.join(" "),
            draws: fields.get(kind)?.contains('G'),
            percent: fields.get(share)?.parse().ok()?,
        })
    })
    .collect()
}

/// A folder per card, in which amdgpu has a file per fact.
fn of_amd(cards: &Path) -> Option<GpuReading> {
    let number = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        text.trim().parse::<u32>().ok()
    };
    let mut reading = GpuReading::default();
    for card in std::fs::read_dir(cards).ok()?.flatten() {
        let device = card.path().join("device");
        reading.utilisation = reading
            .utilisation
            .max(number(&device.join("gpu_busy_percent")));
        let sensors = std::fs::read_dir(device.join("hwmon"));
        for sensor in sensors.into_iter().flatten().flatten() {
            // In thousandths of a degree.
            let temperature = number(&sensor.path().join("temp1_input"));
            reading.temperature = reading.temperature.max(temperature.map(|n| n / 1000));
        }
    }
    (reading != GpuReading::default()).then_some(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, draws: bool, percent: u32) -> Process {
        Process {
            name: name.into(),
            draws,
            percent,
        }
    }

    #[test]
    fn of_several_gpus_the_hottest_and_the_busiest_count() {
        let reading = parse_query("48, 97\n71, [N/A]\n").unwrap();
        assert_eq!(
            (reading.temperature, reading.utilisation),
            (Some(71), Some(97))
        );
        for nothing in ["", "No devices were found\n", "[N/A], [N/A]\n"] {
            assert_eq!(parse_query(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn programs_are_found_whatever_columns_the_driver_has() {
        let new = "\
# gpu         pid   type     sm    mem    enc    dec    jpg    ofa    command
# Idx           #    C/G      %      %      %      %      %      %    name
    0       1234     G     12      3      -      -      -      -    Xorg
    0       2345   C+G     77     40      -      -      -      -    Super Kart.exe
    0       3456     C      -      -      -      -      -      -    ollama
";
        let old = "\
# gpu        pid  type    sm   mem   enc   dec   command
# Idx          #   C/G     %     %     %     %   name
    0      99     C    50    10     0     0   python3
";
        assert_eq!(
            parse_processes(new),
            [
                process("Xorg", true, 12),
                process("Super Kart.exe", true, 77)
            ]
        );
        assert_eq!(parse_processes(old), [process("python3", false, 50)]);
        let none = "# gpu pid type sm command\n# Idx # C/G % name\n    0 - - - -\n";
        assert_eq!(parse_processes(none), []);
        assert_eq!(parse_processes("not supported"), []);
    }

    #[test]
    fn an_amd_card_tells_in_files() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of_amd(folder.path()), None);
        let device = folder.path().join("card0/device");
        let hwmon = device.join("hwmon/hwmon3");
        std::fs::create_dir_all(&hwmon).unwrap();
        std::fs::create_dir_all(folder.path().join("card0-DP-1")).unwrap();
        std::fs::write(device.join("gpu_busy_percent"), "93\n").unwrap();
        std::fs::write(hwmon.join("temp1_input"), "64500\n").unwrap();
        let reading = of_amd(folder.path()).unwrap();
        assert_eq!(
            (reading.temperature, reading.utilisation),
            (Some(64), Some(93))
        );
    }
}
