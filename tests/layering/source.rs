//! The source as tokens, and what its files have of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The tokens of each file. A file is named `engine/key`, a `mod.rs` as its folder, and the root `lib`.
pub(crate) struct Source {
    files: BTreeMap<String, Vec<TokenTree>>,
}

/// The segments of a path from the root of the crate: `["engine", "key", "Key"]`.
type Segments = Vec<String>;

impl Source {
    pub(crate) fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let file = |path: PathBuf| {
            let tokens: TokenStream = fs::read_to_string(&path).unwrap().parse().unwrap();
            let tokens = before_tests(tokens.into_iter().collect());
            let name = path.strip_prefix(&src).unwrap().with_extension("");
            let name = name.to_str().unwrap();
            (name.strip_suffix("/mod").unwrap_or(name).to_owned(), tokens)
        };
        Self { files: sources(&src).into_iter().map(file).collect() }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// A file without its comments, with one space between two tokens.
    pub(crate) fn text(&self, file: &str) -> String {
        self.files[file].iter().cloned().collect::<TokenStream>().to_string()
    }

    /// The files that have what `file` names.
    pub(crate) fn imports(&self, file: &str) -> BTreeSet<String> {
        let paths = self.paths(file, &self.files[file], 0);
        paths.iter().map(|path| self.file_with(path)).filter(|other| other != file).collect()
    }

    /// The files that have the methods of `owner` that its methods in `file` call on `self`.
    pub(crate) fn calls(&self, file: &str, owner: &str) -> BTreeSet<String> {
        let blocks = |file: &str| methods(&self.files[file], owner);
        let called: BTreeSet<_> = blocks(file).iter().flat_map(|block| called_on_self(block)).collect();
        let has_one = |other: &&str| {
            blocks(other).iter().flat_map(|block| defined(block)).any(|name| called.contains(&name))
        };
        self.files().filter(|other| *other != file).filter(has_one).map(str::to_owned).collect()
    }

    /// The paths in `tokens` that begin in this crate; `depth` counts the modules that the file has around them.
    fn paths(&self, file: &str, tokens: &[TokenTree], depth: usize) -> Vec<Segments> {
        let mut paths = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                let is_module = at >= 2 && is_word(tokens.get(at - 2), "mod");
                paths.extend(self.paths(file, &inside(group), depth + usize::from(is_module)));
            } else if begins_path(tokens, at)
                && let Some(start) = self.start(file, &token.to_string(), depth)
            {
                paths.extend(ends(&tokens[at + 3..], start));
            }
        }
        paths
    }

    /// Where a path that begins with `first` begins, if that is in this crate.
    fn start(&self, file: &str, first: &str, depth: usize) -> Option<Segments> {
        let mut here = segments(file);
        match first {
            "crate" => Some(Vec::new()),
            "self" => Some(here),
            "super" => {
                if depth == 0 {
                    here.pop();
                }
                Some(here)
            }
            child => {
                here.push(child.to_owned());
                self.files.contains_key(&here.join("/")).then_some(here)
            }
        }
    }

    /// The file in which that is which a path leads to, whoever re-exports it.
    fn file_with(&self, path: &[String]) -> String {
        let mut file = "lib".to_owned();
        for (depth, segment) in path.iter().enumerate() {
            let child = [segments(&file), vec![segment.clone()]].concat().join("/");
            if self.files.contains_key(&child) {
                file = child;
            } else if let Some(exported) = self.exports(&file).get(segment) {
                return self.file_with(&[exported, &path[depth + 1..]].concat());
            } else {
                break;
            }
        }
        file
    }

    /// What a file re-exports, and where that is.
    fn exports(&self, file: &str) -> BTreeMap<String, Segments> {
        let tokens = &self.files[file];
        let statements = tokens.split(|token| is_punct(Some(token), ';'));
        let mut exports = BTreeMap::new();
        for statement in statements {
            let public = statement.iter().position(|token| is_word(Some(token), "pub"));
            let import = statement.iter().rposition(|token| is_word(Some(token), "use"));
            if let (Some(public), Some(import)) = (public, import)
                && import <= public + 2
            {
                let paths = self.paths(file, &statement[import..], 0);
                exports.extend(paths.into_iter().map(|path| (path.last().unwrap().clone(), path)));
            }
        }
        exports
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Tests end the file that they are in, and may import what they like.
fn before_tests(mut tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut pairs = tokens.windows(2);
    let tests = pairs.position(|pair| is_word(pair.first(), "mod") && is_word(pair.last(), "tests"));
    tokens.truncate(tests.unwrap_or(tokens.len()));
    tokens
}

fn segments(file: &str) -> Segments {
    if file == "lib" { Vec::new() } else { file.split('/').map(str::to_owned).collect() }
}

/// What the rest of a path, or of a tree of imports, leads to.
fn ends(tokens: &[TokenTree], mut start: Segments) -> Vec<Segments> {
    match tokens.first() {
        Some(TokenTree::Ident(ident)) => {
            let has_rest = is_separator(tokens, 1);
            match ident.to_string().as_str() {
                "self" => {}
                "super" => drop(start.pop()),
                name => start.push(name.to_owned()),
            }
            if has_rest { ends(&tokens[3..], start) } else { vec![start] }
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let trees = inside(group);
            let trees = trees.split(|token| is_punct(Some(token), ','));
            trees.filter(|tree| !tree.is_empty()).flat_map(|tree| ends(tree, start.clone())).collect()
        }
        // `module::*`, and the `::<A>` after a function.
        _ => vec![start],
    }
}

/// What stands inside each `impl` block of `owner`.
fn methods(tokens: &[TokenTree], owner: &str) -> Vec<Vec<TokenTree>> {
    let mut blocks = Vec::new();
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| is_word(Some(token), "impl")) {
        let head: Vec<_> = tokens[at + 1..].iter().take_while(|token| !is_brace(token)).collect();
        // `impl<A: Address> Engine<A>`: after the parameters, and after the trait, if there is one.
        let after = head
            .iter()
            .rposition(|token| is_word(Some(token), "for"))
            .map_or_else(|| parameters(&head), |at| at + 1);
        if is_word(head.get(after).copied(), owner)
            && let Some(TokenTree::Group(block)) = tokens.get(at + 1 + head.len())
        {
            blocks.push(inside(block));
        }
    }
    blocks
}

/// How many of the tokens are the parameters of an `impl`, in their angle brackets.
fn parameters(head: &[&TokenTree]) -> usize {
    let mut open = 0_usize;
    for (at, token) in head.iter().enumerate() {
        if is_punct(Some(token), '<') {
            open += 1;
        } else if is_punct(Some(token), '>') {
            open -= 1;
        }
        if open == 0 {
            return if at == 0 { 0 } else { at + 1 };
        }
    }
    head.len()
}

fn defined(block: &[TokenTree]) -> Vec<String> {
    let functions = block.windows(2).filter(|pair| is_word(pair.first(), "fn"));
    functions.map(|pair| pair[1].to_string()).collect()
}

fn called_on_self(tokens: &[TokenTree]) -> Vec<String> {
    let calls = tokens.windows(4).filter(|call| {
        let has_arguments =
            matches!(&call[3], TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        is_word(call.first(), "self") && is_punct(call.get(1), '.') && has_arguments
    });
    let deeper = tokens.iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(called_on_self(&inside(group))),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    });
    calls.map(|call| call[2].to_string()).chain(deeper.flatten()).collect()
}

fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

fn is_brace(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Whether a path of more than one segment begins at `at`.
fn begins_path(tokens: &[TokenTree], at: usize) -> bool {
    let is_first = at < 2 || !is_separator(tokens, at - 2);
    is_first && matches!(tokens.get(at), Some(TokenTree::Ident(_))) && is_separator(tokens, at + 1)
}
