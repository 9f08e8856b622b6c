"""What a page in a browser is asked about its looks: whether it fits, and whether it can be touched."""

SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input')]
    .filter(e => e.offsetParent !== null && !e.matches('[type=hidden], .pin-field, .option'))
    .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
    .filter(([_, r]) => r.width < 56 || r.height < 56).map(([html]) => html)"""
TOO_WIDE = "() => document.documentElement.scrollWidth > window.innerWidth"
