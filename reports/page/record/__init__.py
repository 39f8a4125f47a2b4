"""The sections of one record's page: numbers of results.json in, pictures and tables out."""
