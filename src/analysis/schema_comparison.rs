//! The live schema beside the catalogue: what the rules know of it by mere comparing.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::{differences, infer};
use crate::model::database::catalogue::Catalogue;
use crate::model::database::revisions::Revisions;
use crate::model::database::shape::{NORMALISER, Shape};
use crate::model::diagnosis::Inferred;
use crate::model::observation::{Facts, Presence};
use crate::model::plan::step::ShapeFact;

/// A schema and the catalogue of its application.
pub struct SchemaComparison<'a> {
    catalogue: &'a Catalogue,
    /// What any entry knows of, as it is found.
    live: Shape,
    pub inferred: Inferred,
    /// How the live schema differs from what is catalogued for the recorded revisions; none where
    /// nothing is catalogued for them.
    pub recorded: Option<Vec<String>>,
    /// The one migration that was begun after the recorded revisions and not brought to its end.
    pub begun: Option<Begun>,
    /// Names in the home schema that no entry knows of, with the framework's own record.
    beside: Vec<String>,
}

/// A migration that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub script: String,
    /// How many of its changes are there, of how many.
    pub done: usize,
    pub of: usize,
    /// Where the schema is exactly what a known stop of this migration leaves: which stop, from 1.
    pub stop: Option<usize>,
}

impl<'a> SchemaComparison<'a> {
    /// Compares; none without a catalogue for this framework and engine, or without a database.
    pub fn new(facts: &'a Facts) -> Option<Self> {
        let catalogue = facts.catalogue.as_ref()?;
        let system = facts.config.revisions.as_ref().map(|config| config.system.as_str());
        let fits = catalogue.engine == facts.config.database.engine
            && system == Some(catalogue.system.as_str());
        if !fits || facts.database.presence == Presence::NotLooked {
            return None;
        }
        let book = facts.database.book.as_ref().map(|book| &book.versions.table);
        let known = catalogue.known();
        let whole = Shape::of(&facts.database.schema, book);
        let mut beside: Vec<String> =
            whole.0.keys().filter(|name| !known.contains(*name)).cloned().collect();
        beside.extend(book.map(|book| book.name.clone()));
        let live = whole.only(&known);
        let inferred = infer(catalogue, &live, facts.recorded());
        let at = catalogue.position(facts.recorded());
        let recorded = at.map(|at| differences(&catalogue.shape(at), &live));
        let is_elsewhere = inferred.exact.is_none() && inferred.candidates.is_empty();
        let has_record = facts.database.book.as_ref().is_some_and(|book| book.recorded.is_some());
        let is_as_recorded = recorded.as_ref().is_some_and(Vec::is_empty);
        let may_be_begun = has_record && !is_as_recorded;
        let begun = may_be_begun.then(|| begun(catalogue, facts.recorded(), &live)).flatten();
        // What has all of a migration's changes may still lack what it does to rows: known stops
        // count before all.
        let begun = begun.filter(|begun| is_elsewhere || begun.stop.is_some());
        Some(Self { catalogue, live, inferred, recorded, begun, beside })
    }

    /// Whether the schema is one that the application has had.
    pub fn is_known(&self) -> bool {
        self.inferred.exact.is_some() || !self.inferred.candidates.is_empty()
    }

    /// How the live schema differs from what is catalogued for these revisions.
    pub fn differences_from(&self, revisions: &[String]) -> Option<Vec<String>> {
        let at = self.catalogue.position(revisions)?;
        Some(differences(&self.catalogue.shape(at), &self.live))
    }

    /// What is catalogued for these revisions, beside what is there.
    pub fn side_by_side(&self, revisions: &[String]) -> Option<(Shape, &Shape)> {
        Some((self.catalogue.shape(self.catalogue.position(revisions)?), &self.live))
    }

    /// What has to hold of a schema that is at these revisions; none where nothing is catalogued.
    pub fn shape_of(&self, revisions: &[String]) -> Option<ShapeFact> {
        let at = self.catalogue.position(revisions)?;
        Some(self.fact(&self.catalogue.shape(at)))
    }

    fn fact(&self, shape: &Shape) -> ShapeFact {
        let mut except = self.beside.clone();
        except.sort();
        ShapeFact { sha256: shape.digest(), normaliser: NORMALISER, except }
    }

    /// The scripts among these that are not the ones that the catalogue was recorded with.
    pub fn changed_scripts<'s>(&self, revisions: &'s Revisions, ids: &[String]) -> Vec<&'s str> {
        let recorded: BTreeMap<&str, _> = self
            .catalogue
            .entries
            .iter()
            .map(|entry| (entry.script.as_str(), entry.script_sha256))
            .collect();
        let scripts = ids.iter().filter_map(|id| revisions.script(id));
        let changed = scripts.filter(|script| {
            recorded.get(script.id.as_str()).is_some_and(|was| *was != script.sha256)
        });
        changed.map(|script| script.id.as_str()).collect()
    }

    /// The stops that running these migrations is known to make from here, in order: the script,
    /// what is recorded then, and what holds of the schema then.
    pub fn stops(&self, pending: &[String]) -> Vec<(&'a str, &'a [String], ShapeFact)> {
        let begun = self.begun.as_ref().filter(|begun| begun.stop.is_some());
        let mut stops = Vec::new();
        for id in pending {
            let Some(at) = self.catalogue.entries.iter().position(|entry| entry.script == *id)
            else {
                continue;
            };
            let entry = &self.catalogue.entries[at];
            let recorded = entry.after.as_deref().unwrap_or_default();
            let made =
                begun.filter(|begun| begun.script == *id).and_then(|begun| begun.stop).unwrap_or(0);
            for shape in self.catalogue.stumbles(at).into_iter().skip(made) {
                stops.push((entry.script.as_str(), recorded, self.fact(&shape)));
            }
        }
        stops
    }
}

/// The migration after `recorded` whose changes explain all that is different.
fn begun(catalogue: &Catalogue, recorded: &[String], live: &Shape) -> Option<Begun> {
    let before = match recorded {
        [] => Shape::default(),
        ids => catalogue.shape(catalogue.position(ids)?),
    };
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (before.facts().collect(), live.facts().collect());
    let next = catalogue.entries.iter().enumerate().filter(|(_, entry)| {
        entry.after.as_deref().unwrap_or_default() == recorded && !entry.changes.is_empty()
    });
    for (at, entry) in next {
        let made =
            Begun { script: entry.script.clone(), done: 0, of: entry.facts().count(), stop: None };
        if let Some(stop) = catalogue.stumbles(at).iter().position(|shape| shape == live) {
            let done = entry
                .facts()
                .filter(|(adds, name, fact)| *adds == is.contains(&(*name, *fact)))
                .count();
            return Some(Begun { done, stop: Some(stop + 1), ..made });
        }
        let wanted: BTreeSet<_> = entry.facts().collect();
        let mut made_changes = is
            .difference(&was)
            .map(|(name, fact)| (true, *name, *fact))
            .chain(was.difference(&is).map(|(name, fact)| (false, *name, *fact)))
            .peekable();
        if made_changes.peek().is_some() {
            let changes: Vec<_> = made_changes.collect();
            if changes.iter().all(|change| wanted.contains(change)) {
                return Some(Begun { done: changes.len(), ..made });
            }
        }
    }
    None
}
