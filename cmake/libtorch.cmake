# Defines morph_torch: an interface target with LibTorch's headers and its CPU libraries.
#
# LibTorch is looked for in MORPHNET_TORCH (CMake or environment variable), in CMAKE_PREFIX_PATH, and
# in the `torch` wheel of the project's .venv. The wheel's own CMake files demand a CUDA toolkit even
# for a CPU program, so the targets are made here from the folder's headers and libraries.
set(MORPHNET_TORCH "$ENV{MORPHNET_TORCH}" CACHE PATH "Folder of LibTorch (include/ and lib/ inside)")

set(_torch_roots ${MORPHNET_TORCH})
foreach(_prefix IN LISTS CMAKE_PREFIX_PATH)
  list(APPEND _torch_roots ${_prefix} ${_prefix}/libtorch ${_prefix}/../..)
endforeach()
string(REPLACE ":" ";" _environment_prefixes "$ENV{CMAKE_PREFIX_PATH}")
foreach(_prefix IN LISTS _environment_prefixes)
  list(APPEND _torch_roots ${_prefix} ${_prefix}/libtorch ${_prefix}/../..)
endforeach()
file(GLOB _wheels ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
list(APPEND _torch_roots ${_wheels})

set(MORPH_TORCH_ROOT "")
foreach(_root IN LISTS _torch_roots)
  if(EXISTS ${_root}/include/ATen/ATen.h AND EXISTS ${_root}/lib/libtorch_cpu.so)
    get_filename_component(MORPH_TORCH_ROOT ${_root} REALPATH)
    break()
  endif()
endforeach()
if(NOT MORPH_TORCH_ROOT)
  message(FATAL_ERROR
    "LibTorch was not found. Run scripts/setup, or give -DMORPHNET_TORCH=<folder of a LibTorch zip "
    "or of an installed torch wheel>. (Searched: ${_torch_roots})")
endif()
file(READ ${MORPH_TORCH_ROOT}/include/torch/headeronly/version.h _version_header)
string(REGEX MATCH "#define TORCH_VERSION_MAJOR ([0-9]+)" _ ${_version_header})
set(_major ${CMAKE_MATCH_1})
string(REGEX MATCH "#define TORCH_VERSION_MINOR ([0-9]+)" _ ${_version_header})
set(MORPH_TORCH_VERSION ${_major}.${CMAKE_MATCH_1})
message(STATUS "LibTorch ${MORPH_TORCH_VERSION}: ${MORPH_TORCH_ROOT}")

foreach(_library torch_cpu c10)
  add_library(morph_${_library} SHARED IMPORTED)
  set_target_properties(morph_${_library} PROPERTIES
    IMPORTED_LOCATION ${MORPH_TORCH_ROOT}/lib/lib${_library}.so)
endforeach()

add_library(morph_torch INTERFACE)
target_include_directories(morph_torch SYSTEM INTERFACE
  ${MORPH_TORCH_ROOT}/include ${MORPH_TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(morph_torch INTERFACE NDEBUG)
target_link_libraries(morph_torch INTERFACE morph_torch_cpu morph_c10)
# The CUDA build of libtorch_cpu.so names libraries that its own RPATH finds at run time.
target_link_options(morph_torch INTERFACE -Wl,--allow-shlib-undefined)
set(CMAKE_BUILD_RPATH ${MORPH_TORCH_ROOT}/lib)
