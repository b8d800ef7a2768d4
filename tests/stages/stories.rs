//! The stories: one site each, what the stages make of it, and the one fact without which they
//! would not.
//!
//! A story is told where the thing that it shows is plainest. To add one: an entry in the list of
//! its group, then `TTPLAN_SNAP=1 cargo test --test stages`.

use std::fmt;

use ttplan::model::diagnosis::DatabaseState;

use crate::site::Site;
use crate::{database, uploads};

/// One story.
pub struct Story {
    /// The name of its folder.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// What the near miss differs in, as a sentence.
    pub but: &'static str,
    pub site: Site,
    pub near_miss: Site,
    /// What the stages make of the site, and not of the near miss.
    pub gives: Vec<Gives>,
}

/// Something that the stages give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gives {
    State(DatabaseState),
    /// A finding of the rule with this code.
    Finding(&'static str),
    /// A step of this kind.
    Step(&'static str),
    /// Something that waits for a person, by its subject.
    Waits(&'static str),
}

impl fmt::Display for Gives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => write!(f, "state `{}`", state.word()),
            Self::Finding(code) => write!(f, "finding `{code}`"),
            Self::Step(kind) => write!(f, "step `{kind}`"),
            Self::Waits(subject) => write!(f, "`{subject}` waits"),
        }
    }
}

/// All stories, in the order in which `fixtures/README.md` lists them.
pub fn all() -> Vec<Story> {
    database::stories().into_iter().chain(uploads::stories()).collect()
}

/// A story told bit by bit.
pub fn story(name: &'static str, about: &'static str) -> Story {
    let site = Site::new();
    Story { name, about, but: "", near_miss: site.clone(), site, gives: Vec::new() }
}

impl Story {
    /// The same in one file.
    pub fn in_one_file(mut self) -> Self {
        self.site = Site::in_one_file();
        self
    }

    /// What is so at this site.
    pub fn at(mut self, change: impl FnOnce(&mut Site)) -> Self {
        change(&mut self.site);
        self
    }

    pub fn state(mut self, state: DatabaseState) -> Self {
        self.gives.push(Gives::State(state));
        self
    }

    pub fn finding(mut self, code: &'static str) -> Self {
        self.gives.push(Gives::Finding(code));
        self
    }

    pub fn step(mut self, kind: &'static str) -> Self {
        self.gives.push(Gives::Step(kind));
        self
    }

    pub fn waits(mut self, subject: &'static str) -> Self {
        self.gives.push(Gives::Waits(subject));
        self
    }

    /// The near miss: the site but for one fact.
    pub fn but(mut self, but: &'static str, change: impl FnOnce(&mut Site)) -> Self {
        self.but = but;
        self.near_miss = self.site.clone();
        change(&mut self.near_miss);
        self
    }
}
