"""DVC: what it tracks, and how that gets here and back."""
