//! Makes sure that the page's folder exists, so that the server compiles before the page is built.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    std::fs::create_dir_all(std::path::Path::new(&manifest).join("../web/dist"))
}
