"""What makes `twistd mika` appear; everything else is in mika.tap, imported only when it is chosen."""

from twisted.application.service import ServiceMaker

mika = ServiceMaker("mika", "mika.tap", "A private BitTorrent tracker with exact accounts.", "mika")
