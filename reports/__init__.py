"""The reporter: results in; tables, pages and record folders out."""
