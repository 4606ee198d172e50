"""What error codes of database servers mean to an operator, and what to do; behind the name of the database."""

from __future__ import annotations

from collections.abc import Mapping

_RIGHTS = "does not allow this user what mika needs: GRANT ALL on the database to the user"
_READ_ONLY = "takes no writes, because its server is read-only: name the primary server, or switch read_only off"
_FULL = "cannot grow: the server's disk or table space is full"
_CROWDED = "has too many connections: raise max_connections, or end some"
_LOST = "was lost while it worked: the server was stopped, or the network is broken"
_TLS = "was not reached by TLS: correct ssl_ca and its like in the URL, or the server's certificate"

MYSQL_WORDS: Mapping[int, str] = {
    1045: "refuses the user or the password: correct them in the URL, or the user on the server",
    1698: "refuses the user: give it a password on the server (not auth_socket), and name that in the URL",
    1130: "refuses this host: allow the user to come from here (CREATE USER ...@HOST)",
    1049: "is not there: CREATE DATABASE it, or correct its name in the URL",
    1044: _RIGHTS,
    **dict.fromkeys((1142, 1143, 1227, 1370), _RIGHTS),
    **dict.fromkeys((1290, 1792, 1836, 1223), _READ_ONLY),
    **dict.fromkeys((3, 1021, 1026, 1114, 1041, 1037), _FULL),
    **dict.fromkeys((1040, 1203, 1226), _CROWDED),
    **dict.fromkeys((2006, 2013, 2014, 2055, 1053, 1077, 1079, 1158, 1159, 1160, 1161, 1927, 4031), _LOST),
    2002: "cannot be reached: start the server, or correct its socket in the URL",
    2005: "is on an unknown host: correct it in the URL",
    **dict.fromkeys((2026, 3159), _TLS),
    **dict.fromkeys((2059, 2061), "asks for a way to log in that mika does not know: use a native password, or TLS"),
    **dict.fromkeys((1153, 2020), "takes no statement so long: raise max_allowed_packet to 16M or more"),
    1419: "does not allow triggers: SET GLOBAL log_bin_trust_function_creators = 1 (also in its configuration file)",
    1665: "cannot write its binary log so: set binlog_format = ROW (or MIXED) on the server",
    1213: "is in a deadlock with other programs again and again: end what locks mika's tables",
    1205: "is locked by another program: end what holds mika's tables in a transaction",
    1467: "has no number left for a new row: an id was chosen that is the largest there is",
    1264: "has no room for a number so large",
    1406: "has no room for a value so long",
    **dict.fromkeys((1034, 1035, 1194, 1195, 1712), "has damaged tables: CHECK TABLE them, or restore a backup"),
}
