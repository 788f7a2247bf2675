# Defines morph_torch: an interface target with LibTorch's headers and its CPU libraries; and, where
# LibTorch has CUDA and nvcc is found, morph_torch_cuda for the CUDA library.
#
# LibTorch is looked for in MORPHNET_TORCH (CMake or environment variable), in CMAKE_PREFIX_PATH, and
# in the `torch` wheel of the project's .venv. The wheel's own CMake files demand a CUDA toolkit even
# for a CPU program, so the targets are made here from the folder's headers and libraries.
set(MORPHNET_TORCH "" CACHE PATH "Folder of LibTorch (include/ and lib/ inside)")

# Sets MORPH_TORCH_ROOT to the first folder that holds a LibTorch. A prefix may be the folder itself,
# the one above it, or its share/cmake.
function(morph_find_torch)
  set(roots ${MORPHNET_TORCH} $ENV{MORPHNET_TORCH})
  string(REPLACE ":" ";" environment_prefixes "$ENV{CMAKE_PREFIX_PATH}")
  foreach(prefix IN LISTS CMAKE_PREFIX_PATH environment_prefixes)
    list(APPEND roots ${prefix} ${prefix}/libtorch ${prefix}/../..)
  endforeach()
  file(GLOB wheels ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  list(APPEND roots ${wheels})
  foreach(root IN LISTS roots)
    if(EXISTS ${root}/include/ATen/ATen.h AND EXISTS ${root}/lib/libtorch_cpu.so)
      file(REAL_PATH ${root} root)
      set(MORPH_TORCH_ROOT ${root} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR
    "LibTorch was not found. Run scripts/setup, or give -DMORPHNET_TORCH=<folder of a LibTorch zip "
    "or of an installed torch wheel>. (Searched: ${roots})")
endfunction()

# Sets MORPH_TORCH_VERSION from the headers.
function(morph_read_torch_version)
  file(READ ${MORPH_TORCH_ROOT}/include/torch/headeronly/version.h header)
  string(REGEX MATCH "#define TORCH_VERSION_MAJOR ([0-9]+)" _ "${header}")
  set(major ${CMAKE_MATCH_1})
  string(REGEX MATCH "#define TORCH_VERSION_MINOR ([0-9]+)" _ "${header}")
  set(version ${major}.${CMAKE_MATCH_1})
  if(version VERSION_LESS 2.11)
    message(FATAL_ERROR "LibTorch ${version} in ${MORPH_TORCH_ROOT} is too old: 2.11 or newer")
  endif()
  set(MORPH_TORCH_VERSION ${version} PARENT_SCOPE)
endfunction()

function(morph_import_torch_library name)
  add_library(libtorch::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(libtorch::${name} PROPERTIES
    IMPORTED_LOCATION ${MORPH_TORCH_ROOT}/lib/lib${name}.so)
endfunction()

morph_find_torch()
morph_read_torch_version()
message(STATUS "LibTorch ${MORPH_TORCH_VERSION}: ${MORPH_TORCH_ROOT}")
# $ORIGIN and the build folder are where open_device() finds libmorph_cuda.so.
set(CMAKE_BUILD_RPATH ${MORPH_TORCH_ROOT}/lib $ORIGIN ${PROJECT_BINARY_DIR})

morph_import_torch_library(torch_cpu)
morph_import_torch_library(c10)
add_library(morph_torch INTERFACE)
target_include_directories(morph_torch SYSTEM INTERFACE
  ${MORPH_TORCH_ROOT}/include ${MORPH_TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(morph_torch INTERFACE NDEBUG)
target_link_libraries(morph_torch INTERFACE libtorch::torch_cpu libtorch::c10)
# The CUDA build of libtorch_cpu.so names libraries that its own RPATH finds at run time.
target_link_options(morph_torch INTERFACE -Wl,--allow-shlib-undefined)

if(MORPH_WITH_CUDA AND EXISTS ${MORPH_TORCH_ROOT}/lib/libtorch_cuda.so)
  # CUDAGraph's layout differs with headers before 12.4.
  find_package(CUDAToolkit 12.4 QUIET)
  if(CUDAToolkit_FOUND)
    message(STATUS "CUDA library: yes (toolkit ${CUDAToolkit_VERSION})")
    morph_import_torch_library(torch_cuda)
    morph_import_torch_library(c10_cuda)
    add_library(morph_torch_cuda INTERFACE)
    target_include_directories(morph_torch_cuda SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
    target_link_options(morph_torch_cuda INTERFACE -Wl,--no-as-needed)
    target_link_libraries(morph_torch_cuda INTERFACE libtorch::torch_cuda libtorch::c10_cuda
                                                     morph_torch)
  endif()
endif()
if(NOT TARGET morph_torch_cuda)
  message(STATUS "CUDA library: no (it needs MORPH_WITH_CUDA, a LibTorch with CUDA, and nvcc)")
endif()
