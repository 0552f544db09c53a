"""A browser's own words, made short: "Chrome on Windows"."""

from django.utils.translation import gettext as _

# The telling word first: Edge calls itself Chrome too, and Chrome Safari; Android calls itself Linux.
BROWSERS = {
    "MicroMessenger/": "WeChat",
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "HarmonyOS": "HarmonyOS",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def device_in_words(said: str) -> str:
    browser = next((word for mark, word in BROWSERS.items() if mark in said), "")
    system = next((word for mark, word in SYSTEMS.items() if mark in said), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or said[:40] or _("Unknown device")
