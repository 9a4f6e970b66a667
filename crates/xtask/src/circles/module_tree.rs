//! The modules of a crate and the files that hold them.

use crate::error::{Context, Result, fail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use syn::{Attribute, Item, ItemMod, Meta, UseTree, Visibility};

pub(super) type FileId = usize;
pub(super) type ModuleId = usize;

/// A module in a file of its own, or written out inside another (`mod a { ... }`).
pub(super) struct Module {
    pub(super) file: FileId,
    pub(super) parent: Option<ModuleId>,
    pub(super) children: BTreeMap<String, ModuleId>,
    /// Without those that only exist for tests.
    pub(super) items: Vec<Item>,
}

/// One name that a `use` brings into a module.
#[derive(Debug, Clone)]
pub(super) struct UsedName {
    /// `None`: all names (`*`).
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    /// Passed on to others (`pub use`).
    pub(super) public: bool,
}

#[derive(Default)]
pub(super) struct ModuleTree {
    files: Vec<PathBuf>,
    modules: Vec<Module>,
}

impl ModuleTree {
    /// The crate with this root file.
    pub(super) fn read(root: &Path) -> Result<Self> {
        Self::load(root, &|path| fs::read_to_string(path).ok())
    }

    /// A crate given as file names and texts; the root comes first.
    #[cfg(test)]
    pub(super) fn parse(files: &[(&str, &str)]) -> Result<Self> {
        let text =
            |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
        Self::load(Path::new(files[0].0), &text)
    }

    fn load(root: &Path, text: &dyn Fn(&Path) -> Option<String>) -> Result<Self> {
        let mut tree = Self::default();
        let Some(content) = text(root) else { return fail(format!("cannot read {}", root.display())) };
        let directory = root.parent().unwrap_or(Path::new("")).to_owned();
        tree.add_file(root, &content, &directory, None, text)?;
        Ok(tree)
    }

    /// `directory`: where files of child modules are.
    fn add_file(
        &mut self,
        path: &Path,
        content: &str,
        directory: &Path,
        parent: Option<ModuleId>,
        text: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<ModuleId> {
        let syntax = syn::parse_file(content).context(|| format!("cannot parse {}", path.display()))?;
        self.files.push(path.to_owned());
        self.add_module(self.files.len() - 1, syntax.items, directory, parent, text)
    }

    fn add_module(
        &mut self,
        file: FileId,
        items: Vec<Item>,
        directory: &Path,
        parent: Option<ModuleId>,
        text: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<ModuleId> {
        let id = self.modules.len();
        self.modules.push(Module { file, parent, children: BTreeMap::new(), items: Vec::new() });
        for item in items.into_iter().filter(|item| !only_for_tests(item)) {
            let Item::Mod(module) = item else {
                self.modules[id].items.push(item);
                continue;
            };
            let name = module.ident.to_string();
            let child = self.add_child(file, module, &directory.join(&name), id, text)?;
            self.modules[id].children.extend(child.map(|child| (name, child)));
        }
        Ok(id)
    }

    fn add_child(
        &mut self,
        file: FileId,
        module: ItemMod,
        directory: &Path,
        parent: ModuleId,
        text: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<Option<ModuleId>> {
        if let Some((_, items)) = module.content {
            return self.add_module(file, items, directory, Some(parent), text).map(Some);
        }
        let places = [directory.with_extension("rs"), directory.join("mod.rs")];
        let found = places.iter().find_map(|path| Some((path, text(path)?)));
        // A module that a build script makes has no file here.
        let Some((path, content)) = found else { return Ok(None) };
        self.add_file(path, &content, directory, Some(parent), text).map(Some)
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn path(&self, file: FileId) -> &Path {
        &self.files[file]
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = (ModuleId, &Module)> {
        self.modules.iter().enumerate()
    }

    pub(super) fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id]
    }
}

impl Module {
    /// Whether the module itself defines this name.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.items.iter().any(|item| match item {
            Item::Const(item) => item.ident == name,
            Item::Enum(item) => item.ident == name,
            Item::Fn(item) => item.sig.ident == name,
            Item::Macro(item) => item.ident.as_ref().is_some_and(|ident| ident == name),
            Item::Static(item) => item.ident == name,
            Item::Struct(item) => item.ident == name,
            Item::Trait(item) => item.ident == name,
            Item::Type(item) => item.ident == name,
            Item::Union(item) => item.ident == name,
            _ => false,
        })
    }

    pub(super) fn used_names(&self) -> Vec<UsedName> {
        let mut names = Vec::new();
        for item in &self.items {
            if let Item::Use(item) = item {
                let public = !matches!(item.vis, Visibility::Inherited);
                flatten(&item.tree, &mut Vec::new(), public, &mut names);
            }
        }
        names
    }
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, public: bool, names: &mut Vec<UsedName>) {
    let with = |prefix: &[String], last: &str| [prefix, &[last.to_owned()]].concat();
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, public, names);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            names.push(UsedName { name: prefix.last().cloned(), path: prefix.clone(), public });
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            names.push(UsedName { path: with(prefix, &name), name: Some(name), public });
        }
        UseTree::Rename(rename) => {
            let path = with(prefix, &rename.ident.to_string());
            names.push(UsedName { name: Some(rename.rename.to_string()), path, public });
        }
        UseTree::Glob(_) => names.push(UsedName { name: None, path: prefix.clone(), public }),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, public, names)),
    }
}

fn only_for_tests(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        _ => false,
    })
}
