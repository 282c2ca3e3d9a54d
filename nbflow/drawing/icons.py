"""The icons of the states, as small SVG paths in a box of 14 by 14.

This module decides their shapes only; the table of looks says which state has which icon,
and the theme says in which colour. It must not know about states.
"""

from __future__ import annotations

from typing import Final

#: Attributes of the shapes: `s` is drawn as a line, `f` is filled.
_LINE: Final = 'class="s"'
_FILL: Final = 'class="f"'

#: Keys are the icon names of the table of looks.
ICONS: Final[dict[str, str]] = {
    "clock": f'<circle {_LINE} cx="7" cy="7" r="5.4"/><path {_LINE} d="M7 3.9V7.2L9.2 8.6"/>',
    "hourglass": (
        f'<path {_LINE} d="M3.6 1.8H10.4M3.6 12.2H10.4M4.4 1.8C4.4 5.2 9.6 8.8 9.6 12.2'
        'M9.6 1.8C9.6 5.2 4.4 8.8 4.4 12.2"/>'
    ),
    "ring": f'<circle {_LINE} cx="7" cy="7" r="5.1"/><circle {_FILL} cx="7" cy="7" r="2.2"/>',
    "check": f'<path {_LINE} d="M2.4 7.6L5.6 10.8L11.8 3.9"/>',
    "bolt": f'<path {_FILL} d="M8.3 0.9L2.7 8H6.3L5.5 13.1L11.3 5.8H7.5Z"/>',
    "cross": f'<path {_LINE} d="M3.1 3.1L10.9 10.9M10.9 3.1L3.1 10.9"/>',
    "broken-bolt": (
        f'<path {_FILL} d="M8.8 0.7L2.9 6.3H8.1Z"/><path {_FILL} d="M11.1 7.9H5.9L5.2 13.3Z"/>'
    ),
    "slash": f'<circle {_LINE} cx="7" cy="7" r="5.4"/><path {_LINE} d="M3.3 10.7L10.7 3.3"/>',
    "bars": f'<path {_LINE} d="M4.8 3V11M9.2 3V11"/>',
    "dot": f'<circle {_FILL} cx="7" cy="7" r="2.1"/>',
}
