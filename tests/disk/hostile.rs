//! Trees that want to do harm by what they hold: devices, files longer than they are large, names
//! as long as can be.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use ttplan::error::Kind;
use ttplan::model::files::uploads::OddKind;
use ttplan::stores::local::archive::{Part, check, pack};
use ttplan::stores::store::{CopyAttributes, FileState, ReadStore, WriteStore};

use crate::tree::{Place, as_they_are, disks, fact};

#[test]
fn a_device_is_told_of_and_never_opened() {
    let place = Place::new();
    // One that never ends, and one that would end everything.
    for (name, kind, numbers) in [("zero", "c", ["1", "5"]), ("disk", "b", ["7", "200"])] {
        let made =
            Command::new("mknod").arg(place.at("from").join(name)).arg(kind).args(numbers).output();
        if !made.is_ok_and(|made| made.status.success()) {
            println!("skipped: this user may not make devices");
            return;
        }
    }
    place.write("from/a", "1");
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &[]).unwrap();
        let odd: Vec<_> =
            tree.odd.iter().map(|odd| (odd.path.to_text().into_owned(), odd.what)).collect();
        assert_eq!(
            odd,
            [("disk".to_owned(), OddKind::Device), ("zero".to_owned(), OddKind::Device)]
        );
        let listed = [fact("zero", "")];
        assert_eq!(disk.states(&place.path("from"), &listed).unwrap(), [FileState::NotAFile]);
        let error =
            disk.copy(&place.path("from"), &place.path("to"), &listed, &as_they_are()).unwrap_err();
        assert_eq!(error.kind(), Kind::Stale);
        assert_eq!(place.names("to"), [""; 0]);
        assert_eq!(disk.remove(&place.path("from"), &listed).unwrap(), 0);
    }
    let part = Part { name: "up".into(), root: place.path("from"), ignore: Vec::new() };
    let packed = pack(&[part], &place.at("up.tar.gz"), "test", &mut |_| Ok(())).unwrap();
    assert_eq!((packed.manifest.files, packed.left_out.len()), (1, 2));
    check(&place.at("up.tar.gz"), &mut |_| Ok(())).unwrap();
}

#[test]
fn holes_stay_holes_wherever_they_are_copied_to() {
    const LONG: u64 = 64 << 20;
    // In memory too, where there is such a thing: another filesystem, so that nothing can be linked
    // or shared.
    let homes = [std::env::temp_dir(), "/dev/shm".into()];
    for home in homes.iter().filter(|home| home.is_dir()) {
        let place = Place::new();
        let away = tempfile::tempdir_in(home).unwrap();
        let mut file = fs::File::create(place.at("from/sparse")).unwrap();
        file.write_all(b"beginning").unwrap();
        file.seek(SeekFrom::Start(LONG / 2 - 3)).unwrap();
        file.write_all(b"in between").unwrap();
        file.set_len(LONG).unwrap();
        file.sync_all().unwrap();
        let whole = fs::read(place.at("from/sparse")).unwrap();
        if place.at("from/sparse").metadata().unwrap().blocks() * 512 >= LONG {
            println!("skipped: this filesystem keeps no holes");
            continue;
        }
        let how = CopyAttributes { mode: Some(0o600), owner: None, apart: false };
        for (n, mut disk) in disks().into_iter().enumerate() {
            let to = ttplan::model::names::FilePath::from(away.path().join(n.to_string()));
            fs::create_dir(to.as_path()).unwrap();
            disk.copy(&place.path("from"), &to, &[fact("sparse", &whole)], &how).unwrap();
            let copy = to.as_path().join("sparse");
            assert!(fs::read(&copy).unwrap() == whole);
            let room = copy.metadata().unwrap().blocks() * 512;
            assert!(room < LONG / 16, "{room} bytes in {}", home.display());
        }
    }
}

#[test]
fn a_name_as_long_as_can_be_is_copied_and_replaced() {
    let place = Place::new();
    let (name, deep) = ("n".repeat(255), format!("{0}/{0}/{0}", "d".repeat(255)));
    place.write(&format!("from/{name}"), "new");
    place.write(&format!("from/{deep}"), "deep");
    for (n, mut disk) in disks().into_iter().enumerate() {
        let to = format!("to/{n}");
        fs::create_dir(place.at(&to)).unwrap();
        let files = [fact(&deep, "deep"), fact(&name, "new")];
        disk.copy(&place.path("from"), &place.path(&to), &files, &as_they_are()).unwrap();
        assert_eq!(
            disk.states(&place.path(&to), &files).unwrap(),
            [FileState::Same, FileState::Same]
        );
        fs::write(place.at(&to).join(&name), "old").unwrap();
        let (new, old) = ([fact(&name, "new")], [fact(&name, "old")]);
        let onto = ttplan::stores::store::Placement::Replace(&old);
        let how = CopyAttributes { mode: Some(0o640), owner: None, apart: false };
        disk.copy_onto(&place.path("from"), &place.path(&to), &new, onto, &how).unwrap();
        assert_eq!(fs::read(place.at(&to).join(&name)).unwrap(), b"new");
        assert_eq!(place.names(&to).len(), 2);
    }
}

#[test]
fn only_what_is_listed_is_replaced() {
    for mut disk in disks() {
        let place = Place::new();
        place.write("from/a", "new");
        place.write("from/b", "new b");
        let mut replace = |olds: &[&str; 2]| {
            let old = [fact("a", olds[0]), fact("b", olds[1])];
            let onto = ttplan::stores::store::Placement::Replace(&old);
            let new = [fact("a", "new"), fact("b", "new b")];
            disk.copy_onto(&place.path("from"), &place.path("to"), &new, onto, &as_they_are())
        };
        place.write("to/a", "old");
        assert_eq!(replace(&["old", "old b"]).unwrap_err().kind(), Kind::Stale, "one is not there");
        place.write("to/b", "changed");
        assert_eq!(replace(&["old", "old b"]).unwrap_err().kind(), Kind::Stale, "one is another");
        assert_eq!(fs::read(place.at("to/a")).unwrap(), b"old");
        assert_eq!(place.names("to"), ["a", "b"]);
        place.write("to/b", "old b");
        replace(&["old", "old b"]).unwrap();
        assert_eq!(
            (fs::read(place.at("to/a")).unwrap(), fs::read(place.at("to/b")).unwrap()),
            (b"new".into(), b"new b".into())
        );
        assert_eq!(fs::read(place.at("from/a")).unwrap(), b"new");
        assert_eq!(place.names("to"), ["a", "b"]);
        // Again, everything is done.
        replace(&["old", "old b"]).unwrap();
    }
}
