//! Writes the table of the site's files, so that the one binary holds them all.
//!
//! cargo-leptos makes the site (`target/site`) before it builds this crate; `--precompress` puts `.br` and `.gz` beside
//! each file. Without a site the table is empty and everything but the pages' files works.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LEPTOS_SITE_ROOT");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let site = workspace.join(env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".to_owned()));
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    // A copy, so that a site being made anew meanwhile does not take files away from under the compiler.
    let copy = out.join("site");
    let mut files = Vec::new();
    // Said also while there is none: a site that comes later must not be missed.
    println!("cargo:rerun-if-changed={}", site.display());
    if site.is_dir() {
        let _ = fs::remove_dir_all(&copy);
        copy_folder(&site, &copy)?;
        collect(&copy, &mut files)?;
    }
    files.sort();
    fs::write(out.join("site.rs"), table(&copy, &files)?)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !["br", "gz", "ts"].iter().any(|ending| path.extension().is_some_and(|found| found == *ending)) {
            files.push(path);
        }
    }
    Ok(())
}

fn table(site: &Path, files: &[PathBuf]) -> io::Result<String> {
    let mut text = "&[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(site).map_err(io::Error::other)?;
        let bytes = |path: &Path| format!("include_bytes!({:?})", path.display().to_string());
        let beside = |ending: &str| {
            let path = PathBuf::from(format!("{}.{ending}", file.display()));
            if path.is_file() { format!("Some({})", bytes(&path)) } else { "None".to_owned() }
        };
        let _ = writeln!(
            text,
            "    Embedded {{ path: {:?}, plain: {}, brotli: {}, gzip: {} }},",
            format!("/{}", name.display()),
            bytes(file),
            beside("br"),
            beside("gz"),
        );
    }
    text.push(']');
    Ok(text)
}
