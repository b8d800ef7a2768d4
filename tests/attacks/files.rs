//! What files bring along, and what is saved of them.

use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::PermissionsExt;

use crate::small_site::Site;

fn mode(site: &Site, path: &str) -> u32 {
    site.at(path).metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn no_file_keeps_the_bits_that_lend_somebody_s_rights() {
    for bits in [0o4755, 0o2755, 0o1755, 0o6777] {
        let site = Site::new();
        let close = |path: &str, mode: u32| {
            fs::set_permissions(site.at(path), PermissionsExt::from_mode(mode)).unwrap();
        };
        fs::create_dir(site.at("app/static/pics/deep")).unwrap();
        fs::write(site.at("app/static/pics/deep/b.png"), "b").unwrap();
        for file in ["a.png", "deep/b.png"] {
            close(&format!("app/static/pics/{file}"), bits);
        }
        close("app/static/pics/deep", 0o7755);
        let plan = site.signed(&[]);
        // Old enough for a second name to do instead of a copy.
        std::thread::sleep(std::time::Duration::from_millis(200));
        site.apply(&plan).well();
        assert_eq!(mode(&site, "app/data/pics/a.png"), bits & 0o777);
        assert_eq!(mode(&site, "app/data/pics/deep/b.png"), bits & 0o777);
        assert_eq!(mode(&site, "app/data/pics/deep"), 0o2755);
    }
}

#[test]
fn what_was_saved_is_not_changed_through_the_file_that_was_live() {
    let site = Site::new();
    let plan = site.signed(&[]);
    site.apply(&plan).well();
    let old = site.at("app/static/pics/a.png");
    let mut held = fs::File::options().read(true).write(true).open(&old).unwrap();
    let release = site.text("release.ttplan.json");
    site.run(&["plan", "--release-sources", "-o", &release]).well();
    site.sign(&release);
    // A run of another second, so that `--last` knows it.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    site.apply(&release).well();
    assert!(!old.exists());
    held.rewind().unwrap();
    held.write_all(b"THE NEW BYTES").unwrap();
    site.undo().well();
    assert_eq!(fs::read(&old).unwrap(), b"the old bytes");
    // Nor is it the file that was brought back: that may be written to again.
    let live = fs::metadata(&old).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::nlink(&live), 1);
}
