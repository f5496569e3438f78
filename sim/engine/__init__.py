"""Running a network. SEMANTICS.md beside this file is the law that every engine keeps."""
