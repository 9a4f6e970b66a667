//! Which file takes which name from which other file.

use super::module_tree::{FileId, ModuleId, ModuleTree};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use std::collections::BTreeSet;

/// An import: who, from whom, what.
pub(super) type Import = (FileId, FileId, String);

/// Names passed on from module to module are followed so many times: more is a loop.
const MAX_STEPS: usize = 16;

pub(super) fn imports(tree: &ModuleTree) -> Vec<Import> {
    let mut imports = BTreeSet::new();
    for (id, module) in tree.modules() {
        let used = module.used_names();
        let taken = used.iter().filter(|used| !used.public).map(|used| used.path.clone());
        let mut paths: BTreeSet<Vec<String>> = taken.collect();
        for item in &module.items {
            if !matches!(item, syn::Item::Use(_)) {
                collect_paths(item.to_token_stream(), &mut paths);
            }
        }
        for path in paths {
            if let Some((file, name)) = definition(tree, id, &path, MAX_STEPS)
                && file != module.file
            {
                imports.insert((module.file, file, name));
            }
        }
    }
    imports.into_iter().collect()
}

/// All `a::b::c` among the tokens, also those inside macros and attributes. Read as text, so that no macro hides any.
fn collect_paths(tokens: TokenStream, paths: &mut BTreeSet<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    let mut keep = |path: &mut Vec<String>| {
        if path.len() > 1 {
            paths.insert(std::mem::take(path));
        }
        path.clear();
    };
    let mut groups = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    keep(&mut path);
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                groups.push(group.stream());
                keep(&mut path);
                colons = 0;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {
                keep(&mut path);
                colons = 0;
            }
        }
    }
    keep(&mut path);
    for group in groups {
        collect_paths(group, paths);
    }
}

/// The file that defines what `path` names in this module, and the name. `None`: not of this crate, or a whole module.
fn definition(tree: &ModuleTree, at: ModuleId, path: &[String], steps: usize) -> Option<(FileId, String)> {
    let steps = steps.checked_sub(1)?;
    let (mut module, mut rest) = (at, path);
    let mut absolute = false;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => module = 0,
            "self" => {}
            "super" => module = tree.module(module).parent?,
            _ => break,
        }
        (rest, absolute) = (after, true);
    }
    loop {
        let (name, after) = rest.split_first()?;
        let here = tree.module(module);
        if let Some(child) = here.children.get(name) {
            (module, rest) = (*child, after);
            absolute = true;
            continue;
        }
        if here.defines(name) {
            return Some((here.file, name.clone()));
        }
        let used = here.used_names();
        let named = used.iter().find(|used| used.name.as_ref() == Some(name) && (absolute || used.path != rest));
        if let Some(used) = named {
            let whole = [used.path.as_slice(), after].concat();
            return definition(tree, module, &whole, steps);
        }
        let mut all = used.iter().filter(|used| used.name.is_none() && is_own(tree, module, &used.path));
        return all.find_map(|used| definition(tree, module, &[used.path.as_slice(), rest].concat(), steps));
    }
}

/// Whether a `use path::*` can mean something of this crate.
fn is_own(tree: &ModuleTree, module: ModuleId, path: &[String]) -> bool {
    path.first().is_some_and(|first| {
        ["crate", "self", "super"].contains(&first.as_str()) || tree.module(module).children.contains_key(first)
    })
}
