//! stub-macros
