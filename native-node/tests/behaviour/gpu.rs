//! The engine on a GPU: on any machine, since a driver of Mesa's lets the processor play one.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use axum::Router;
use engine::Gpu;
use native_node::{
    backend::Backend,
    config::ModelChoice,
    status::{Processor, Status},
};

use crate::{
    engine::{hei, start_on, stored},
    support::ask,
};

#[tokio::test]
async fn a_model_answers_from_the_gpu_and_the_node_tells_which_computes() {
    let gpu = Gpu::request().await.expect("mesa-vulkan-drivers has one");
    let adapter = gpu.adapter().to_owned();
    let folder = tempfile::tempdir().unwrap();
    for (gpu, processor) in [
        (None, Processor::Cpu { threads: 2 }),
        (Some(gpu), Processor::Gpu { adapter }),
    ] {
        let (status, is_measured) = (Status::default(), gpu.is_some());
        let models = vec![ModelChoice::File(stored())];
        let backend = start_on(gpu, status.clone(), models, folder.path(), Router::new())
            .await
            .unwrap();
        let model = backend.models().await.unwrap().remove(0);
        let answer = ask(&backend, &hei(&model.id)).await;
        assert_eq!(
            answer.end.as_ref().map(|end| end.usage.completion_tokens),
            Ok(4)
        );
        // Both round in their own ways: that they think alike is the engine's own to test.
        assert!(answer.text().starts_with("Hello"), "{}", answer.text());
        assert_eq!(status.watch().borrow().processor, Some(processor));
        let speed = backend.gpu_multiply_adds_per_second().await;
        assert_eq!(
            speed.is_some_and(|speed| speed > 1e6),
            is_measured,
            "{speed:?}"
        );
    }
}

/// Mesa's driver alone, whatever else this machine has.
fn software_driver() -> PathBuf {
    let drivers = std::fs::read_dir("/usr/share/vulkan/icd.d").unwrap();
    let mut drivers = drivers.map(|driver| driver.unwrap().path());
    drivers
        .find(|driver| driver.to_string_lossy().contains("lvp_icd"))
        .expect("mesa-vulkan-drivers has it")
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the program says at its start, up to the model.
fn said_at_start(flags: &[&str], driver: PathBuf) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_kipina-node"))
        .env_clear()
        .env("HOME", home.path())
        .env("HUB_URL", "ws://127.0.0.1:9/ws")
        .env("VK_DRIVER_FILES", driver.clone())
        .env("VK_ICD_FILENAMES", driver)
        .args(["--engine", "--status-port", "off", "--model"])
        .arg(stored())
        .args(flags)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Running(program);
    let said = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let mut lines = Vec::new();
    for line in said {
        let line = line.unwrap();
        let is_loaded = line.contains(" loaded in ");
        lines.push(line);
        if is_loaded {
            break;
        }
    }
    lines
}

#[test]
fn whoever_wants_a_gpu_where_there_is_none_is_told_and_the_cpu_computes() {
    for (driver, reason) in [
        (software_driver(), "there is only llvmpipe"),
        ("/nowhere.json".into(), "no GPU can be used"),
    ] {
        let said = said_at_start(&["--gpu"], driver);
        let [told, .., loaded] = &said[..] else {
            panic!("two lines: {said:?}")
        };
        assert!(
            told.starts_with("--gpu: ") && told.contains(reason),
            "{told}"
        );
        assert!(told.contains("Install the Vulkan driver"), "{told}");
        assert!(loaded.contains(": CPU, "), "{loaded}");
    }
}

#[test]
fn nobody_is_bothered_who_has_not_asked_for_a_gpu() {
    for flags in [&[][..], &["--cpu"]] {
        let said = said_at_start(flags, software_driver());
        assert!(
            said[0].starts_with("The engine computes on the CPU"),
            "{said:?}"
        );
        let is_about_gpus = |line: &String| line.contains("GPU") || line.contains("--gpu");
        assert!(!said[1..].iter().any(is_about_gpus), "{said:?}");
    }
}
