//! Reads plain values out of Python source without running it. Knows no framework.
//!
//! A value counts only where it is written down; whatever a name could otherwise come to hold
//! is [`PyValue::Computed`], never guessed. The source is not trusted: nothing here recurses over
//! it, and what would take too long is given up with a reason.

use std::collections::BTreeMap;

use tree_sitter::Node;

mod literal;
mod source;

/// What running a module would leave behind, as far as its source alone shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The module's docstring, where it is a plain one.
    pub docstring: Option<String>,
    names: BTreeMap<String, PyValue>,
    /// What a name that is not in `names` could be; absent where nothing binds it.
    others: Option<PyValue>,
}

/// What a name of a module is bound to in the end: the last binding counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PyValue {
    None,
    Text(String),
    /// A tuple, list or set of texts, in the order written.
    Texts(Vec<String>),
    /// A function defined directly in the module, without decorators; `idle` where it is
    /// defined once and running it provably does nothing.
    Function {
        idle: bool,
    },
    /// Anything else: one would have to run the module to know.
    Computed {
        /// Counted from 1.
        line: usize,
    },
}

/// Reads the source of one module.
///
/// Errors: why it cannot be read as Python 3, in words for people.
pub fn read(source: &[u8]) -> Result<Module, String> {
    let text = source::prepare(source)?;
    let tree = source::parse(&text)?;
    let mut reader = Reader { text: &text, ..Reader::default() };
    reader.walk(tree.root_node());
    reader.finish(literal::docstring(tree.root_node(), &text))
}

impl Module {
    /// What `name` is bound to; `None` where nothing binds it.
    pub fn value(&self, name: &str) -> Option<&PyValue> {
        self.names.get(name).or(self.others.as_ref())
    }
}

/// In which scope a piece of source stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Directly in the module: it always runs, in order.
    Module,
    /// In the module's scope, but within a compound statement or an expression.
    Within,
    /// In a scope of its own: the body of a function, class or lambda.
    Inner,
}

/// Built-ins with which a statement can bind any name of the module unseen.
const MEDDLERS: &[&str] = &["exec", "globals", "locals", "setattr", "vars"];

/// Follows a module from top to bottom and keeps what its names are bound to.
#[derive(Default)]
struct Reader<'s> {
    text: &'s str,
    names: BTreeMap<String, PyValue>,
    /// What every name may be bound to that is not in `names`.
    others: Option<PyValue>,
    /// Names that a function declares global, and so may bind at any time.
    global: BTreeMap<String, PyValue>,
    /// Set where a function may bind any name of the module at any time.
    meddled: Option<PyValue>,
    /// The line of the first statement that only Python 2 understands.
    outdated: Option<usize>,
}

impl<'s> Reader<'s> {
    fn walk(&mut self, root: Node<'_>) {
        let mut cursor = root.walk();
        let mut open = vec![(root, Place::Module)];
        while let Some((node, place)) = open.pop() {
            let first = open.len();
            if node.kind() == "assignment" && place == Place::Module {
                open.extend(self.assign(node).into_iter().map(|part| (part, Place::Within)));
            } else {
                self.visit(node, place);
                // Only statements matter there, and a call holds none.
                if place == Place::Inner && node.kind() == "call" {
                    continue;
                }
                let body = scope_of_its_own(node);
                let below = place_below(node, place);
                open.extend(
                    node.named_children(&mut cursor).map(|child| {
                        (child, if Some(child) == body { Place::Inner } else { below })
                    }),
                );
            }
            // What comes first in the source has to be popped first.
            if let Some(added) = open.get_mut(first..) {
                added.reverse();
            }
        }
    }

    /// Binds the targets of `a = b = value`, which stands directly in the module, and returns
    /// the parts that are left to look into.
    fn assign<'t>(&mut self, mut node: Node<'t>) -> Vec<Node<'t>> {
        let mut parts = Vec::new();
        let value = loop {
            parts.extend(node.child_by_field_name("left"));
            match node.child_by_field_name("right") {
                Some(right) if right.kind() == "assignment" => node = right,
                right => break right,
            }
        };
        // Without a value it is but an annotation, and binds nothing.
        if let Some(value) = value {
            let plain =
                literal::value(value, self.text).unwrap_or(PyValue::Computed { line: line(value) });
            for target in &parts {
                match target.kind() {
                    "identifier" => self.bind(*target, plain.clone()),
                    _ => self.bind_within(*target),
                }
            }
            parts.push(value);
        }
        parts
    }

    fn visit(&mut self, node: Node<'_>, place: Place) {
        let computed = PyValue::Computed { line: line(node) };
        match node.kind() {
            "print_statement" | "exec_statement" => {
                self.outdated.get_or_insert(line(node));
            }
            "global_statement" => {
                for name in identifiers(node) {
                    self.global.insert(self.word(name).to_owned(), computed.clone());
                }
            }
            "assignment" | "augmented_assignment" if self.writes_to_globals(node) => {
                self.meddled = Some(computed);
            }
            _ if place == Place::Inner => {}
            "function_definition" if place == Place::Module => {
                if let Some(name) = node.child_by_field_name("name") {
                    self.bind(name, PyValue::Function { idle: literal::is_idle(node) });
                }
            }
            "call" if self.calls(node, MEDDLERS) => self.forget(computed),
            "wildcard_import" => self.forget(computed),
            _ => bound_by(node).into_iter().for_each(|target| self.bind_within(target)),
        }
    }

    /// Binds every name in `target` to what only running the module would tell.
    fn bind_within(&mut self, target: Node<'_>) {
        for name in identifiers(target) {
            self.bind(name, PyValue::Computed { line: line(name) });
        }
    }

    fn bind(&mut self, name: Node<'_>, mut value: PyValue) {
        let word = self.word(name);
        // Python compares names in Unicode's compatible form, where `ﬁ` is `fi`: it could be any.
        if !word.is_ascii() {
            return self.forget(PyValue::Computed { line: line(name) });
        }
        if let (PyValue::Function { idle }, true) = (&mut value, self.names.contains_key(word)) {
            *idle = false;
        }
        self.names.insert(word.to_owned(), value);
    }

    /// From here on every name may be bound to anything.
    fn forget(&mut self, computed: PyValue) {
        self.names.clear();
        self.others = Some(computed);
    }

    fn finish(mut self, docstring: Option<String>) -> Result<Module, String> {
        if let Some(line) = self.outdated {
            return Err(source::not_python(line));
        }
        if let Some(computed) = self.meddled.take() {
            self.forget(computed);
        }
        self.names.append(&mut self.global);
        Ok(Module { docstring, names: self.names, others: self.others })
    }

    /// Whether it is `globals()[...] = ...`.
    fn writes_to_globals(&self, assignment: Node<'_>) -> bool {
        assignment
            .child_by_field_name("left")
            .filter(|left| left.kind() == "subscript")
            .and_then(|left| left.child_by_field_name("value"))
            .is_some_and(|value| value.kind() == "call" && self.calls(value, &["globals"]))
    }

    fn calls(&self, call: Node<'_>, names: &[&str]) -> bool {
        call.child_by_field_name("function")
            .is_some_and(|function| names.contains(&self.word(function)))
    }

    fn word(&self, node: Node<'_>) -> &'s str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }
}

/// The part of a definition that runs in a scope of its own.
fn scope_of_its_own(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "function_definition" | "class_definition" | "lambda" => node.child_by_field_name("body"),
        _ => None,
    }
}

fn place_below(node: Node<'_>, place: Place) -> Place {
    match (node.kind(), place) {
        ("module" | "expression_statement", Place::Module) => Place::Module,
        (_, Place::Module) => Place::Within,
        (_, place) => place,
    }
}

/// The parts of a statement or expression in which it binds names.
fn bound_by(node: Node<'_>) -> Vec<Node<'_>> {
    let field = match node.kind() {
        "assignment" | "augmented_assignment" | "for_statement" | "type_alias_statement" => "left",
        "named_expression" | "function_definition" | "class_definition" => "name",
        "aliased_import" | "as_pattern" | "except_clause" => "alias",
        "import_statement" | "import_from_statement" => {
            let mut cursor = node.walk();
            let names = node.children_by_field_name("name", &mut cursor);
            // `import a.b` binds `a`.
            return names
                .filter(|name| name.kind() == "dotted_name")
                .filter_map(|name| name.named_child(0))
                .collect();
        }
        "delete_statement" | "case_pattern" => return vec![node],
        _ => return Vec::new(),
    };
    node.child_by_field_name(field).into_iter().collect()
}

/// The names in a target; those in `a.b` and `a[b]` are not bound by it.
fn identifiers(target: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = target.walk();
    let (mut open, mut found) = (vec![target], Vec::new());
    while let Some(node) = open.pop() {
        match node.kind() {
            "identifier" => found.push(node),
            "attribute" | "subscript" => {}
            _ => open.extend(node.named_children(&mut cursor)),
        }
    }
    found
}

/// Counted from 1.
fn line(node: Node<'_>) -> usize {
    node.start_position().row + 1
}
