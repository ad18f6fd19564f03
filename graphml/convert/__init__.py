"""Other frameworks' models as Core ML files."""
