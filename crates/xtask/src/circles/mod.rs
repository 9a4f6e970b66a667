//! `cargo xtask circles`: no files may import each other in a circle. In a circle no file can be read, or moved, alone.
//!
//! A file imports another when it names something that the other defines: by `use`, by a path, or inside a macro. What a
//! module only passes on (`pub use`, `mod`) is no import: the import goes to the file that defines the name. Code of tests
//! does not count.

mod module_tree;
mod names;

use crate::checkout;
use crate::error::{Context, Result, fail};
use module_tree::{FileId, ModuleTree};
use names::Import;
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn circles() -> Result {
    let root = checkout::root()?;
    let (mut files, mut found) = (0, Vec::new());
    for source in sources(&root)? {
        let tree = ModuleTree::read(&source)?;
        files += tree.len();
        found.extend(circles_of(&tree).into_iter().map(|circle| describe(&tree, &circle, &root)));
    }
    if found.is_empty() {
        println!("circles: none among {files} files");
        Ok(())
    } else {
        fail(format!("files import each other in a circle:\n{}", found.join("\n")))
    }
}

/// The root files of the crates.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let directory = root.join("crates");
    let entries = fs::read_dir(&directory).context(|| format!("cannot read {}", directory.display()))?;
    let roots = entries.flatten().flat_map(|entry| ["src/lib.rs", "src/main.rs"].map(|file| entry.path().join(file)));
    let mut roots: Vec<PathBuf> = roots.filter(|file| file.is_file()).collect();
    roots.sort();
    Ok(roots)
}

struct Circle {
    files: Vec<FileId>,
    imports: Vec<Import>,
}

fn circles_of(tree: &ModuleTree) -> Vec<Circle> {
    let imports = names::imports(tree);
    let graph: DiGraphMap<FileId, ()> = imports.iter().map(|(from, to, _)| (*from, *to)).collect();
    let circles = tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1);
    let with_imports = circles.map(|mut files| {
        files.sort_unstable();
        let inside = |file: &FileId| files.binary_search(file).is_ok();
        let imports = imports.iter().filter(|(from, to, _)| inside(from) && inside(to)).cloned().collect();
        Circle { files, imports }
    });
    with_imports.collect()
}

fn describe(tree: &ModuleTree, circle: &Circle, root: &Path) -> String {
    let path = |file: FileId| {
        let path = tree.path(file);
        path.strip_prefix(root).unwrap_or(path).display().to_string()
    };
    let mut text = format!("  {} files:", circle.files.len());
    for (from, to, name) in &circle.imports {
        // Writing to a String cannot fail.
        let _written = write!(text, "\n    {} takes {name} from {}", path(*from), path(*to));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles_among(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let tree = ModuleTree::parse(files).unwrap();
        let names = |circle: Circle| circle.files.iter().map(|file| tree.path(*file).display().to_string()).collect();
        circles_of(&tree).into_iter().map(names).collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f() { crate::a::A; }"),
        ];
        assert_eq!(circles_among(&files), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn parent_and_child_that_use_each_other_are_a_circle() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; pub struct A; fn f() { b::make() }"),
            ("a/b.rs", "use super::A; pub fn make() -> A { A }"),
        ];
        assert_eq!(circles_among(&files), [["a.rs", "a/b.rs"]]);
    }

    #[test]
    fn names_passed_on_by_the_root_belong_to_their_file() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::B; pub struct A(B);"),
            ("b.rs", "pub struct B;"),
        ];
        assert!(circles_among(&files).is_empty());
    }

    #[test]
    fn paths_in_macros_count_and_tests_do_not() {
        let in_macro = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b; fn f() { select! { x = b::B => 1 } } pub fn g() {}"),
            ("b.rs", "pub struct B; fn f() { crate::a::g() }"),
        ];
        assert_eq!(circles_among(&in_macro), [["a.rs", "b.rs"]]);
        let in_test = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert!(circles_among(&in_test).is_empty());
    }
}
