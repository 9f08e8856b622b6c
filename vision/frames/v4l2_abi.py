"""The part of the kernel's `linux/videodev2.h` that a camera needs: structures, requests and numbers.

Written out here because the alternatives fall short: FFmpeg's and OpenCV's V4L2 inputs hide the driver's time
stamps or its controls and block when a camera hangs, and no binding with a licence that suits us has both. A test
compares sizes, offsets and request numbers with the header itself. 64-bit machines only.
"""

import ctypes as c

CAP_VIDEO_CAPTURE, CAP_VIDEO_CAPTURE_MPLANE, CAP_STREAMING = 0x1, 0x1000, 0x04000000
CAP_DEVICE_CAPS = 0x80000000
BUF_TYPE_VIDEO_CAPTURE = 1
MEMORY_MMAP = 1
FIELD_NONE = 1

BUF_FLAG_ERROR = 0x40
BUF_FLAG_TIMESTAMP_MASK, BUF_FLAG_TIMESTAMP_MONOTONIC = 0xE000, 0x2000

FRMSIZE_DISCRETE = FRMIVAL_DISCRETE = 1

CTRL_FLAG_DISABLED, CTRL_FLAG_READ_ONLY = 0x1, 0x4

CID_AUTO_WHITE_BALANCE, CID_AUTOGAIN, CID_GAIN = 0x0098090C, 0x00980912, 0x00980913
CID_POWER_LINE_FREQUENCY, CID_WHITE_BALANCE_TEMPERATURE = 0x00980918, 0x0098091A
CID_EXPOSURE_AUTO, CID_EXPOSURE_ABSOLUTE, CID_EXPOSURE_AUTO_PRIORITY = 0x009A0901, 0x009A0902, 0x009A0903
CID_FOCUS_ABSOLUTE, CID_FOCUS_AUTO = 0x009A090A, 0x009A090C
EXPOSURE_AUTO, EXPOSURE_MANUAL, EXPOSURE_APERTURE_PRIORITY = 0, 1, 3
POWER_LINE_50_HZ, POWER_LINE_60_HZ = 1, 2


class Capability(c.Structure):
    _fields_ = (
        ("driver", c.c_char * 16),
        ("card", c.c_char * 32),
        ("bus_info", c.c_char * 32),
        ("version", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("device_caps", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    )


class FormatDescription(c.Structure):
    _fields_ = (
        ("index", c.c_uint32),
        ("type", c.c_uint32),
        ("flags", c.c_uint32),
        ("description", c.c_char * 32),
        ("pixelformat", c.c_uint32),
        ("mbus_code", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    )


class FrameSize(c.Structure):
    """`v4l2_frmsizeenum`; `extent` is (width, height) or (min, max, step of width, then of height)."""

    _fields_ = (
        ("index", c.c_uint32),
        ("pixel_format", c.c_uint32),
        ("type", c.c_uint32),
        ("extent", c.c_uint32 * 6),
        ("reserved", c.c_uint32 * 2),
    )


class Fraction(c.Structure):
    _fields_ = (("numerator", c.c_uint32), ("denominator", c.c_uint32))


class FrameInterval(c.Structure):
    """`v4l2_frmivalenum`; `interval` is one, or the shortest, the longest and the step."""

    _fields_ = (
        ("index", c.c_uint32),
        ("pixel_format", c.c_uint32),
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("type", c.c_uint32),
        ("interval", Fraction * 3),
        ("reserved", c.c_uint32 * 2),
    )


class PictureFormat(c.Structure):
    """`v4l2_format` for single-planar capture: its type, then `v4l2_pix_format` in a union of 200 bytes."""

    _fields_ = (
        ("type", c.c_uint32),
        ("_gap", c.c_uint32),
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("pixelformat", c.c_uint32),
        ("field", c.c_uint32),
        ("bytesperline", c.c_uint32),
        ("sizeimage", c.c_uint32),
        ("colorspace", c.c_uint32),
        ("priv", c.c_uint32),
        ("flags", c.c_uint32),
        ("ycbcr_enc", c.c_uint32),
        ("quantization", c.c_uint32),
        ("xfer_func", c.c_uint32),
        ("_union", c.c_uint8 * 152),
    )


class StreamParameters(c.Structure):
    """`v4l2_streamparm` for capture, in a union of 200 bytes."""

    _fields_ = (
        ("type", c.c_uint32),
        ("capability", c.c_uint32),
        ("capturemode", c.c_uint32),
        ("timeperframe", Fraction),
        ("extendedmode", c.c_uint32),
        ("readbuffers", c.c_uint32),
        ("_union", c.c_uint8 * 176),
    )


class RequestBuffers(c.Structure):
    _fields_ = (
        ("count", c.c_uint32),
        ("type", c.c_uint32),
        ("memory", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("flags", c.c_uint8),
        ("reserved", c.c_uint8 * 3),
    )


class TimeValue(c.Structure):
    _fields_ = (("seconds", c.c_int64), ("microseconds", c.c_int64))


class Buffer(c.Structure):
    """`v4l2_buffer`; `offset` is where to map it (the union's first member)."""

    _fields_ = (
        ("index", c.c_uint32),
        ("type", c.c_uint32),
        ("bytesused", c.c_uint32),
        ("flags", c.c_uint32),
        ("field", c.c_uint32),
        ("timestamp", TimeValue),
        ("timecode", c.c_uint8 * 16),
        ("sequence", c.c_uint32),
        ("memory", c.c_uint32),
        ("offset", c.c_uint32),
        ("_union", c.c_uint32),
        ("length", c.c_uint32),
        ("reserved2", c.c_uint32),
        ("request_fd", c.c_int32),
    )


class QueryControl(c.Structure):
    _fields_ = (
        ("id", c.c_uint32),
        ("type", c.c_uint32),
        ("name", c.c_char * 32),
        ("minimum", c.c_int32),
        ("maximum", c.c_int32),
        ("step", c.c_int32),
        ("default_value", c.c_int32),
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 2),
    )


class ControlValue(c.Structure):
    _fields_ = (("id", c.c_uint32), ("value", c.c_int32))


def _request(direction: int, number: int, size: int) -> int:
    """The number of an ioctl (`asm-generic/ioctl.h`): direction, size of its argument, 'V', its own number."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


_WRITE, _READ = 1, 2
QUERYCAP = _request(_READ, 0, c.sizeof(Capability))
ENUM_FMT = _request(_READ | _WRITE, 2, c.sizeof(FormatDescription))
G_FMT = _request(_READ | _WRITE, 4, c.sizeof(PictureFormat))
S_FMT = _request(_READ | _WRITE, 5, c.sizeof(PictureFormat))
REQBUFS = _request(_READ | _WRITE, 8, c.sizeof(RequestBuffers))
QUERYBUF = _request(_READ | _WRITE, 9, c.sizeof(Buffer))
QBUF = _request(_READ | _WRITE, 15, c.sizeof(Buffer))
DQBUF = _request(_READ | _WRITE, 17, c.sizeof(Buffer))
STREAMON = _request(_WRITE, 18, c.sizeof(c.c_int32))
STREAMOFF = _request(_WRITE, 19, c.sizeof(c.c_int32))
G_PARM = _request(_READ | _WRITE, 21, c.sizeof(StreamParameters))
S_PARM = _request(_READ | _WRITE, 22, c.sizeof(StreamParameters))
G_CTRL = _request(_READ | _WRITE, 27, c.sizeof(ControlValue))
S_CTRL = _request(_READ | _WRITE, 28, c.sizeof(ControlValue))
QUERYCTRL = _request(_READ | _WRITE, 36, c.sizeof(QueryControl))
ENUM_FRAMESIZES = _request(_READ | _WRITE, 74, c.sizeof(FrameSize))
ENUM_FRAMEINTERVALS = _request(_READ | _WRITE, 75, c.sizeof(FrameInterval))


def fourcc(text: str) -> int:
    """The number of a pixel format: `YUYV` and the like."""
    return int.from_bytes(text.encode("ascii"), "little")


def fourcc_text(number: int) -> str:
    """The four letters of a pixel format."""
    return (number & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace").strip()
