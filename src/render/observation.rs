//! What was seen, in short, for a terminal.

use crate::model::files::uploads::RootState;
use crate::model::observation::{Observation, Presence};
use crate::model::text::{bytes, counted};
use crate::render::style::{plain, strong};

/// A few lines on the database, the scripts and the upload directories.
pub fn observation(seen: &Observation) -> String {
    let facts = &seen.facts;
    let database = &facts.database;
    let mut text = String::new();
    let name = plain(&database.identity.name);
    let engine = plain(&database.identity.engine);
    let what = match database.presence {
        Presence::NotLooked => "not looked at".to_owned(),
        Presence::Absent => "not there".to_owned(),
        Presence::Present => {
            let columns: usize =
                database.schema.tables.iter().map(|table| table.columns.len()).sum();
            format!(
                "{}, {}, {}",
                counted(database.schema.tables.len() as u64, "table"),
                counted(columns as u64, "column"),
                counted(database.schema.views.len() as u64, "view")
            )
        }
    };
    text.push_str(&format!("{} {engine} `{name}`: {what}\n", strong("database")));
    if let Some(book) = &database.book {
        let rows = match &book.recorded {
            None => "no record of revisions".to_owned(),
            Some(ids) if ids.is_empty() => "an empty record of revisions".to_owned(),
            Some(ids) => {
                format!("records {}", ids.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", "))
            }
        };
        text.push_str(&format!("  {rows}\n"));
    }
    for (kind, options) in &seen.circumstances.not_compared {
        let names: Vec<String> = options.iter().map(|name| format!("`{}`", plain(name))).collect();
        text.push_str(&format!(
            "  not compared: {} that no dump carries: {}\n",
            counted(names.len() as u64, &format!("{} option", plain(kind))),
            names.join(", ")
        ));
    }
    if let Some(revisions) = &facts.revisions {
        let heads = revisions.heads().iter().map(|id| plain(id)).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            "{} {} in `{}`, heads {heads}\n",
            strong("scripts"),
            counted(revisions.scripts.len() as u64, "migration"),
            plain(&revisions.directory.to_text())
        ));
    }
    for tree in &facts.uploads {
        let what = match tree.state {
            RootState::Present => {
                format!("{}, {}", counted(tree.files.len() as u64, "file"), bytes(tree.bytes()))
            }
            RootState::Missing => "not there".to_owned(),
            RootState::NotADirectory => "not a directory".to_owned(),
            RootState::Unreadable => "cannot be read".to_owned(),
        };
        let odd =
            if tree.odd.is_empty() { String::new() } else { format!(", {} odd", tree.odd.len()) };
        text.push_str(&format!(
            "{} `{}`: {what}{odd}\n",
            strong("uploads"),
            plain(&tree.root.to_text())
        ));
    }
    text
}
