"""Everything a person sees: tables and cards, charts, sentences, and the offline HTML pages."""
