setUpTheme(document.getElementById("theme"));
