"""CI 1 on a laptop: a pushed commit becomes a tested, versioned pipeline package."""
