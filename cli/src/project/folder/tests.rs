use super::*;

fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

#[test]
fn files_are_written_whole_and_read_back() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(&place.path().join("new/project")).unwrap();
    assert!(folder.place.is_empty().unwrap());
    folder.write(&path("app/main.py"), "x = 1\n").unwrap();
    folder.write(&path("app/main.py"), "y\n").unwrap();
    assert_eq!(
        folder.read(&path("app/main.py")).unwrap().as_deref(),
        Some("y\n")
    );
    assert!(folder.read(&path("none.py")).unwrap().is_none());
    assert!(!folder.place.is_empty().unwrap());
    assert!(!place.path().join("new/project").join(UNFINISHED).exists());
}

#[test]
fn looking_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    assert!(Place::look(&place.path().join("none")).unwrap().is_none());
    let looked = Place::look(place.path()).unwrap().unwrap();
    assert!(looked.is_empty().unwrap() && looked.load().unwrap().is_none());
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    let file = place.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(Place::look(&file), Err(FolderError::Open { .. })));
}

#[test]
fn only_one_works_in_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    assert!(matches!(Folder::open(place.path()), Err(FolderError::Busy)));
    drop(folder);
    assert!(Folder::open(place.path()).is_ok());
}

#[test]
fn what_steers_git_or_kpn_is_neither_written_nor_read() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    std::fs::create_dir(place.path().join(".git")).unwrap();
    std::fs::write(place.path().join(".git/config"), "sekret").unwrap();
    for reserved in [
        ".git/config",
        ".git/hooks/pre-commit",
        ".GIT/config",
        "sub/.git/config",
        ".kipina/project.json",
        ".Kipina/x",
    ] {
        let written = folder.write(&path(reserved), "x");
        assert!(
            matches!(written, Err(Unwritten::Reserved)),
            "{reserved}: {written:?}"
        );
        let read = folder.read(&path(reserved));
        assert!(
            matches!(read, Err(Unwritten::Reserved)),
            "{reserved}: {read:?}"
        );
    }
    let kept = std::fs::read_to_string(place.path().join(".git/config"));
    assert_eq!(kept.unwrap(), "sekret");
    folder.write(&path(".gitignore"), "x").unwrap();
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    use std::os::unix::fs::symlink;
    let (place, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("file"), "untouched").unwrap();
    let folder = Folder::open(place.path()).unwrap();
    symlink(outside.path(), place.path().join("absolute")).unwrap();
    symlink(outside.path().join("file"), place.path().join("file.py")).unwrap();
    symlink(outside.path().join("new"), place.path().join("new.py")).unwrap();
    let up = Path::new("..").join(outside.path().file_name().unwrap());
    symlink(up, place.path().join("relative")).unwrap();
    std::fs::create_dir(place.path().join("deep")).unwrap();
    symlink("../..", place.path().join("deep/er")).unwrap();
    for out in [
        "absolute/x.py",
        "absolute/new/x.py",
        "relative/x.py",
        "file.py",
        "new.py",
        "deep/er/x.py",
        "file.py/x.py",
    ] {
        assert!(folder.write(&path(out), "x").is_err(), "{out}");
        assert!(!matches!(folder.read(&path(out)), Ok(Some(_))), "{out}");
    }
    let names: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let kept = std::fs::read_to_string(outside.path().join("file")).unwrap();
    assert_eq!(kept, "untouched");
    // A link that stays inside is as good as a folder.
    symlink("deep", place.path().join("same")).unwrap();
    folder.write(&path("same/x.py"), "x").unwrap();
    assert!(place.path().join("deep/x.py").exists());
    assert!(folder.read(&path("same/x.py")).unwrap().is_some());
    // But not where it stays inside and leads to what is reserved.
    std::fs::create_dir(place.path().join(".git")).unwrap();
    std::fs::write(place.path().join(".git/config"), "sekret").unwrap();
    symlink("../.git", place.path().join("deep/down")).unwrap();
    symlink(".git/config", place.path().join("settings")).unwrap();
    for reserved in [
        "deep/down/config",
        "same/down/config",
        "deep/down/new/x",
        "settings",
    ] {
        assert!(folder.write(&path(reserved), "x").is_err(), "{reserved}");
        assert!(folder.read(&path(reserved)).is_err(), "{reserved}");
    }
    let kept = std::fs::read_to_string(place.path().join(".git/config"));
    assert_eq!(kept.unwrap(), "sekret");
}

#[cfg(unix)]
#[test]
fn kpn_s_own_folder_may_not_lead_out_either() {
    use std::os::unix::fs::symlink;
    let (place, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(outside.path(), place.path().join(OWN)).unwrap();
    assert!(matches!(
        Folder::open(place.path()),
        Err(FolderError::Open { .. })
    ));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join(OWN)).unwrap();
    for name in [LOCK, UNFINISHED, STATE] {
        symlink(outside.path().join("x"), place.path().join(name)).unwrap();
    }
    assert!(Folder::open(place.path()).is_err(), "the lock leads out");
    std::fs::remove_file(place.path().join(LOCK)).unwrap();
    let folder = Folder::open(place.path()).unwrap();
    assert!(folder.place.load().is_err());
    folder.save(&Record::new("x")).unwrap();
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(folder.place.load().unwrap().is_some());
}

#[test]
fn what_is_no_text_is_left_to_the_person() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    std::fs::write(place.path().join("a.py"), [0xff, 0xfe]).unwrap();
    std::fs::write(place.path().join("b.py"), vec![b'x'; (1 << 20) + 1]).unwrap();
    std::fs::create_dir(place.path().join("c.py")).unwrap();
    for name in ["a.py", "b.py", "c.py"] {
        assert!(folder.read(&path(name)).is_err(), "{name}");
    }
    assert!(matches!(
        folder.write(&path("c.py"), "x"),
        Err(Unwritten::Folder)
    ));
}
