//! Where text goes: results to stdout, talk to stderr, colours only where they are wanted.

use std::io::{ErrorKind, Write};

use crate::error::{Error, Kind, Result};
use crate::render;
use crate::render::style::at_the_door;

/// The two streams.
pub struct Out {
    result: Box<dyn Write>,
    talk: Box<dyn Write>,
    /// Whether errors are told to programs too, on stdout.
    json: bool,
}

impl Out {
    /// The process's own streams. NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM and CI are respected.
    pub fn standard() -> Self {
        Self {
            result: Box::new(anstream::AutoStream::auto(std::io::stdout())),
            talk: Box::new(anstream::AutoStream::auto(std::io::stderr())),
            json: false,
        }
    }

    /// Tells errors as JSON on stdout too from here on, where that is asked for.
    pub fn errors_as_json_if(&mut self, json: bool) {
        self.json = json;
    }

    /// Prints a result. A reader that has seen enough (`| head`) is not an error.
    pub fn result(&mut self, text: &str) -> Result<()> {
        let text = at_the_door(text);
        match self.result.write_all(text.as_bytes()).and_then(|()| self.result.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Error::new(Kind::Failed, "cannot write the result").because(error))
            }
            _ => Ok(()),
        }
    }

    /// Says something on the way. That nobody listens is no reason to stop.
    pub fn say(&mut self, text: &str) {
        let text = at_the_door(text);
        let _ = self.talk.write_all(text.as_bytes()).and_then(|()| self.talk.flush());
    }

    /// Tells an error: to people always, to programs where they asked for JSON.
    pub fn error(&mut self, error: &Error) {
        if self.json {
            let _ = self.result(&render::error::as_json(error));
        }
        self.say(&render::error::error(error));
    }
}
